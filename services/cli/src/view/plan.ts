import type { AccessChange, PolicyPlan } from '@stance/contracts';
import { effectText, reasonText } from './effects.js';
import { noPaint, type Style } from './paint.js';
import { policyErrorLines } from './policy-errors.js';
import type { Screen } from './screen.js';
import type { Column } from './table.js';
import { counted, grouped } from './text.js';

type Group = PolicyPlan['groups'][number];
type Device = PolicyPlan['changes'][number];

/** Devices that are shown unless all are asked for. */
const FIRST = 20;

/** A plan for people: the counts, then what changes by rule and reason, then devices with their people and sessions. */
export function showPlan(screen: Screen, plan: PolicyPlan, { all = false } = {}): void {
  const { mode, groups, changes, truncated, devices, totals } = plan;
  if (mode === 'report') screen.paragraph(REPORT_MODE, { style: 'yellow' });
  screen.paragraph(countsText(plan));
  if (groups.length === 0) return;
  screen.line();
  screen.table(GROUP_COLUMNS, groups, '');
  screen.line();
  const shown = all ? changes : changes.slice(0, FIRST);
  screen.table(DEVICE_COLUMNS, shown, '');
  const concerned = devices - totals.unchanged;
  if (shown.length < concerned) {
    const rest = shown.length < changes.length ? `; --all shows ${grouped(changes.length)}` : '';
    screen.paragraph(`${grouped(shown.length)} of ${grouped(concerned)} devices concerned${rest}`, { style: 'dim' });
  }
  if (truncated) screen.paragraph(TRUNCATED, { style: 'dim' });
}

const REPORT_MODE =
  'The policy is in report mode: published as it is, it decides nothing. This is what it would change if it were enforced.';

const TRUNCATED =
  'Not all of it fits into a plan: some groups, devices, resources or sessions are left out. The counts are of all.';

/** What is wrong with a policy for which there is no plan. */
export function planErrorLines(file: string, document: string, errors: PolicyPlan['errors']): string[] {
  return errors.flatMap((error) => policyErrorLines(file, document, error));
}

/** `Compared with revision 3, for 100 devices: 12 of 9 people lose access, 3 gain it, …` */
function countsText({ baseRevision, devices, totals }: PolicyPlan): string {
  const { lose, people, gain, warn, clear, report, unchanged, openSessions, revocations } = totals;
  const base = baseRevision === 0 ? 'no policy' : `revision ${baseRevision}`;
  const losers = people === 0 ? '' : ` of ${people === 1 ? '1 person' : `${grouped(people)} people`}`;
  const parts = [
    `${many(lose, 'device')}${losers} ${lose === 1 ? 'loses' : 'lose'} access`,
    `${grouped(gain)} ${gain === 1 ? 'gains' : 'gain'} it`,
    `${isOrAre(warn)} warned`,
    ...(clear > 0 ? [`${isOrAre(clear)} no longer warned`] : []),
    ...(report > 0 ? [`for ${grouped(report)} only what a gateway reports changes`] : []),
  ];
  const rest = unchanged === devices ? `nothing changes for ${many(devices, 'device')}` : parts.join(', ');
  const sessions = `${revocations === 0 ? 'none' : grouped(revocations)} of ${many(openSessions, 'open session')} would be revoked`;
  return `Compared with ${base}: ${rest}; ${sessions}.`;
}

function many(count: number, noun: string): string {
  return count < 1_000 ? counted(count, noun) : `${grouped(count)} ${noun}s`;
}

function isOrAre(count: number): string {
  return `${grouped(count)} ${count === 1 ? 'is' : 'are'}`;
}

const STYLES = {
  lose: 'red',
  gain: 'green',
  warn: 'yellow',
  clear: 'green',
  report: 'dim',
} as const satisfies Record<AccessChange, Style>;

const GROUP_COLUMNS: readonly Column<Group>[] = [
  { title: 'CHANGE', value: changeText, style: ({ change }) => STYLES[change] },
  { title: 'DEVICES', value: ({ devices }) => grouped(devices), alignRight: true },
  { title: 'SESSIONS', value: ({ sessions }) => grouped(sessions), alignRight: true },
  { title: 'RESOURCE', value: ({ resource }) => resource },
  { title: 'GATEWAY', value: ({ gateway }) => gateway },
  { title: 'RULE', value: ({ cause }) => cause?.rule ?? '-' },
  { title: 'REASON', value: causeText },
];

/** `allow → deny`; what a gateway only reports is no refusal. */
function changeText({ change, from, to, cause }: Group): string {
  // The device gets in as before, unless it is proved better, or used by somebody else.
  if (change === 'lose' && cause?.code === 'identity-missing') return `${from} → better proved only`;
  if (change === 'lose' && to !== 'deny') return `${from} → its owner only`;
  const isOnlyReported = change === 'gain' || change === 'report';
  const wasOnlyReported = change === 'lose' || change === 'report';
  const before = effectText(from, from !== 'deny' || !wasOnlyReported, noPaint);
  return `${before} → ${effectText(to, to !== 'deny' || !isOnlyReported, noPaint)}`;
}

function causeText({ change, from, cause }: Group): string {
  if (cause === undefined) return '-';
  const goes = change === 'gain' || change === 'clear' || (change === 'report' && from === 'deny');
  return `${goes ? 'no longer: ' : ''}${cause.condition ?? cause.message ?? ''} [${cause.code}]`;
}

const DEVICE_COLUMNS: readonly Column<Device>[] = [
  { title: 'DEVICE', value: ({ deviceId }) => deviceId, whole: true },
  { title: 'OWNER', value: ({ owner }) => owner ?? '-' },
  { title: 'CHANGES', value: changesText, style: ({ changes: [worst] }) => worst && STYLES[worst.change] },
  { title: 'SESSIONS', value: sessionsText },
  { title: 'REASON', value: ({ reasons }) => reasons.map(reasonText).join(' ') || '-' },
];

/** `lose wiki, git @ office; gain crm @ lab`. */
function changesText({ changes }: Device): string {
  const alike = Map.groupBy(changes, ({ change, gateway }) => `${change}\n${gateway}`);
  return [...alike.values()]
    .map((group) => {
      const [{ change, gateway } = { change: '', gateway: '' }] = group;
      return `${change} ${group.map(({ resource }) => resource).join(', ')} @ ${gateway}`;
    })
    .join('; ');
}

function sessionsText({ sessions }: Device): string {
  return sessions.map(({ sessionId, user }) => sessionId + (user === undefined ? '' : ` of ${user}`)).join(', ') || '-';
}
