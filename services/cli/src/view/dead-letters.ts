import { contractOfSubject, type DeadLetterCode } from '@stance/contracts';
import { bytesKept, type DeadLetterRecord, type DeadLetterSummary } from '../records/dead-letters.js';
import { payloadLines } from './dead-letters-payload.js';
import type { Style } from './paint.js';
import type { Screen } from './screen.js';
import type { Column } from './table.js';
import { grouped, plain, relativeTime } from './text.js';

/** Red is what Stance never writes itself. */
const STYLES = {
  malformed: 'red',
  misaddressed: 'red',
  forbidden: 'red',
  oversized: 'yellow',
  unprocessable: 'yellow',
  exhausted: 'yellow',
} as const satisfies Record<DeadLetterCode, Style>;

/** How dead letters stand in a table; `now` in milliseconds since the epoch. */
export function deadLetterColumns(now: number): Column<DeadLetterSummary>[] {
  return [
    { title: 'SEQUENCE', value: ({ sequence }) => String(sequence), whole: true, alignRight: true },
    { title: 'DIED', value: ({ diedAt }) => relativeTime(diedAt, now) },
    { title: 'SERVICE', value: ({ service }) => service },
    { title: 'EVENT', value: ({ event }) => event ?? '-' },
    { title: 'ABOUT', value: ({ originalSubject }) => idsIn(originalSubject) },
    { title: 'CODE', value: ({ reason }) => reason.code, whole: true, style: ({ reason }) => STYLES[reason.code] },
    { title: 'ATTEMPTS', value: ({ attempts }) => String(attempts), spare: true, alignRight: true },
    { title: 'REASON', value: ({ reason }) => reason.message },
  ];
}

/** What follows the event in a subject; the whole subject where it carries none. */
function idsIn(subject: string): string {
  const prefix = contractOfSubject(subject)?.subjectPrefix;
  return prefix === undefined ? subject : subject.slice(prefix.length + 1) || '-';
}

/** Everything about one dead letter, as a page; `now` in milliseconds since the epoch. */
export function showDeadLetter(screen: Screen, record: DeadLetterRecord, now: number): void {
  const { letter, meaning, remedy } = record;
  const { headers, payload, encoding } = letter;
  screen.line(screen.paint('bold', `dead letter ${record.sequence}`));
  screen.lines(fieldLines(record, now));
  heading(screen, 'What it means');
  screen.paragraph(meaning);
  heading(screen, 'What to do');
  screen.paragraph(remedy);
  if (isWorthRepeating(record)) {
    screen.paragraph(
      'The next message of its subject sets the state right. Where that takes too long, docs/runbooks/dead-letters.md says how this one is published again.',
    );
  }
  heading(screen, 'Headers');
  const lines = Object.entries(headers).flatMap(([name, values]) => values.map((value) => plain(`${name}: ${value}`)));
  screen.lines(lines.length === 0 ? ['None.'] : lines);
  heading(screen, payloadTitle(record));
  screen.lines(payload === '' ? ['None.'] : payloadLines(payload, encoding));
}

function heading(screen: Screen, title: string): void {
  screen.line();
  screen.line(screen.paint('bold', title));
}

function fieldLines(record: DeadLetterRecord, now: number): string[] {
  const { letter, event, producer, traceId } = record;
  const { diedAt, service, originalSubject, stream, sequence, reason, attempts } = letter;
  const fields: [string, string][] = [
    ['died', `${diedAt}, ${relativeTime(diedAt, now)}`],
    ['service', service],
    ['event', event ?? '-'],
    ['subject', originalSubject],
    ['message', `${stream} ${sequence}`],
    ['written by', producer === null ? 'it does not say' : `${producer}, as it says itself`],
    ['code', reason.code],
    ['reason', reason.message],
    ['attempts', String(attempts)],
    ['trace id', traceId ?? '-'],
    ['set right', laterText(record, now)],
  ];
  return fields.map(([name, value]) => `  ${`${name}:`.padEnd(12)}${plain(value)}`);
}

function laterText({ state, later, letter }: DeadLetterRecord, now: number): string {
  if (state === 'unknown') return 'not known: no message of its subject is kept';
  if (later === null) return 'no: nothing came on its subject since';
  const message = `${letter.stream} ${later.sequence}`;
  const when = relativeTime(later.storedAt, now);
  const which = `${message} came ${when}`;
  if (later.deadLetter !== undefined) {
    return `no: ${which}, and died too: stance dead-letters show ${later.deadLetter}`;
  }
  if (state === 'waiting') return `not yet: ${which}, and ${letter.service} has not settled all up to it`;
  return state === 'set-right' ? `yes: ${which}` : `a later message came: ${message}, ${when}`;
}

/** Whether the message could be used if it came again: one of another code would die again, and none may undo a later one. */
function isWorthRepeating({ state, letter }: DeadLetterRecord): boolean {
  const isReplaced = state === 'set-right' || state === 'waiting' || state === 'unconfirmed';
  return !isReplaced && (letter.reason.code === 'unprocessable' || letter.reason.code === 'exhausted');
}

function payloadTitle({ letter }: DeadLetterRecord): string {
  const { bytes, encoding } = letter;
  const kept = bytesKept(letter);
  const cut = kept < bytes ? `, cut to its first ${grouped(kept)}` : '';
  return `Payload (${grouped(bytes)} bytes${cut}${encoding === 'base64' ? ', as base64' : ''})`;
}
