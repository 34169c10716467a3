import { EVENTS } from '../catalogue.js';
import type { EventContract } from '../event.js';
import { BUCKETS, DUPLICATE_WINDOW_SECONDS, STREAMS, type StreamDefinition } from '../streams.js';
import { table } from './table.js';

const DAY = 24 * 60 * 60;

/** Every stream and bucket for people to read. */
export function streamsTable(): string {
  return [
    '# Streams',
    'Generated from `libs/contracts` by `npm run docs:generate`; do not edit.',
    'A stream is the log of its events and, by the last message of each subject, the current table. ' +
      `The server drops a second message of the same id within ${DUPLICATE_WINDOW_SECONDS} seconds.`,
    table(
      ['stream', 'holds', 'subjects', 'written by', 'keeps', 'headers allowed', 'audited'],
      Object.values(STREAMS).map((stream: StreamDefinition) => [
        stream.name,
        `${stream.summary}: ${eventsOf(stream).join(', ')}`,
        stream.subjects.map((subject) => `\`${subject}\``).join(' '),
        stream.writtenBy.join(', '),
        retentionOf(stream),
        headersOf(stream),
        stream.audited ? 'yes' : 'no',
      ]),
    ),
    '## Buckets',
    'Key-value buckets hold what is not a fact.',
    table(
      ['bucket', 'holds'],
      Object.values(BUCKETS).map(({ name, summary }) => [name, summary]),
    ),
    '',
  ].join('\n\n');
}

/** How much of a stream is kept, in words. */
export function retentionOf(stream: StreamDefinition): string {
  const messages = stream.keepPerSubject === 'all' ? 'everything' : `the last ${stream.keepPerSubject} per subject`;
  const age = stream.maxAgeSeconds === undefined ? '' : ` for ${stream.maxAgeSeconds / DAY} days`;
  return `${messages}${age}${stream.appendOnly ? ', never deleted' : ''}`;
}

function eventsOf(stream: StreamDefinition): string[] {
  return EVENTS.filter((contract: EventContract) => contract.stream === stream).map(({ name }) => name);
}

function headersOf({ messageTtl, rollup, schedules }: StreamDefinition): string {
  const allowed = [
    ...(messageTtl ? ['`Nats-TTL`'] : []),
    ...(rollup ? ['`Nats-Rollup`'] : []),
    ...(schedules ? ['`Nats-Schedule`'] : []),
  ];
  return allowed.join(' ') || '-';
}
