import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  AuditRecorded,
  DecisionChanged,
  SessionEnded,
  SessionRevoked,
  SessionStarted,
  VerifyAudit,
  type DataOf,
} from '@stance/contracts';
import { ask } from '@stance/jetstream';
import { temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';

import { factsOf, settled } from './facts.js';
import { writeConfiguration } from './files.js';
import { machines, PIPELINE, Stack } from './stack.js';

const DEVICE = 'd0';

let folder: TemporaryFolder;
let stack: Stack;
let authorizeUrl: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  stack = await Stack.start({ fleet: machines(2) });
  const [gateway] = await stack.run(['gateway', 'config-sync', ...PIPELINE], await writeConfiguration(folder.path, 2));
  authorizeUrl = `${String((await gateway?.logged('answering proxies'))?.['url'])}/authorize`;
}, 120_000);

afterAll(async () => {
  await stack?.close();
  await folder?.remove();
});

interface Denial {
  readonly effect: string;
  readonly reasons: { readonly code: string; readonly attribute?: string; readonly actual?: unknown }[];
}

/** What the gateway answers a proxy that asks for a request of the device. */
async function authorize(resource: string, deviceId = DEVICE): Promise<{ status: number; denial: Denial | undefined }> {
  const answer = await fetch(`${authorizeUrl}/${resource}`, { headers: { 'X-Stance-Device': deviceId } });
  const text = await answer.text();
  return { status: answer.status, denial: text === '' ? undefined : (JSON.parse(text) as Denial) };
}

async function allowed(resource: string, deviceId?: string): Promise<void> {
  const look = async () => (await authorize(resource, deviceId)).status === 200;
  await waitFor(look, { what: `${resource} to be allowed` });
}

async function sessions(resource: string): Promise<DataOf<typeof SessionStarted>[]> {
  const started = await factsOf(stack, SessionStarted, { only: { gateway: 'edge', deviceId: DEVICE } });
  return started.map(({ data }) => data).filter((session) => session.resource === resource);
}

async function endOf(sessionId: string): Promise<DataOf<typeof SessionEnded> | undefined> {
  const ended = await factsOf(stack, SessionEnded);
  return ended.find(({ data }) => data.sessionId === sessionId)?.data;
}

/** The events of one trace, as audit recorded them, in its order. */
async function recordedOf(txn: string): Promise<{ type: string; txn?: string; traceparent?: string }[]> {
  const records = await factsOf(stack, AuditRecorded);
  return records
    .flatMap(({ data }) => (data.kind === 'event' && data.payload !== undefined ? [data.payload] : []))
    .map((payload) => JSON.parse(payload) as { type: string; txn?: string; traceparent?: string })
    .filter((event) => event.txn === txn);
}

test('an infected device loses its open session within seconds and is told which attribute is to blame', async () => {
  await allowed('payroll');
  await allowed('wiki');
  await allowed('payroll', 'd1');
  const [session] = await waitFor(async () => ((await sessions('payroll')).length > 0 ? sessions('payroll') : null), {
    what: 'the session to be announced',
  });
  const sessionId = session?.sessionId ?? '';
  await settled(stack);

  stack.infect(DEVICE);
  const end = await waitFor(() => endOf(sessionId), { what: 'the session to be revoked' });

  expect(end).toMatchObject({ cause: 'revoked', resource: 'payroll' });
  expect(end.enforcedAt).toBeDefined();
  const infected = { code: 'condition-false', attribute: 'sentinelOne:infected', actual: true };
  // A revocation that comes before the decision denies as well, for want of that.
  const { status, denial } = await waitFor(
    async () => {
      const answer = await authorize('payroll');
      return answer.denial?.reasons[0]?.code !== 'awaiting-decision' && answer;
    },
    { what: 'the decision to arrive' },
  );
  expect({ status, denial }).toMatchObject({ status: 403, denial: { effect: 'deny', reasons: [infected] } });
  const decision = (await factsOf(stack, DecisionChanged, { only: { gateway: 'edge', deviceId: DEVICE } })).at(-1);
  expect(decision?.data.resources).toMatchObject({
    payroll: { effect: 'deny', enforced: true, reasons: [infected] },
    wiki: { effect: 'allow' },
  });
  expect((await authorize('wiki')).status).toBe(200);
  expect((await authorize('payroll', 'd1')).status).toBe(200);
});

test('audit holds each step from the observation to the end of the session, with one transaction and one trace', async () => {
  await settled(stack);
  const [revoked] = await factsOf(stack, SessionRevoked, { only: { gateway: 'edge', deviceId: DEVICE } });
  const steps = await recordedOf(revoked?.txn ?? 'none');

  expect(new Set(steps.map(({ type }) => type))).toEqual(
    new Set([
      'dev.stance.agent.observed.v1',
      'dev.stance.agent.matched.v1',
      'dev.stance.posture.changed.v1',
      'dev.stance.decision.changed.v1',
      'dev.stance.session.revoked.v1',
      'dev.stance.session.ended.v1',
    ]),
  );
  const traces = new Set(steps.map(({ traceparent }) => traceparent?.split('-')[1]));
  expect([...traces]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
  await expect(ask(stack.connection, VerifyAudit, {})).resolves.toMatchObject({ intact: true, gaps: 0 });
});

test('a device that is clean again is allowed again, in a new session', async () => {
  const before = await sessions('payroll');
  stack.clean(DEVICE);
  await allowed('payroll');
  const after = await waitFor(
    async () => ((await sessions('payroll')).length > before.length ? sessions('payroll') : null),
    {
      what: 'a new session',
    },
  );
  const fresh = after.at(-1)?.sessionId ?? '';
  expect(before.map(({ sessionId }) => sessionId)).not.toContain(fresh);
  await settled(stack);
  await expect(endOf(fresh)).resolves.toBeUndefined();
});

test('whoever proves no device, or one that is not enrolled, is refused', async () => {
  expect((await fetch(`${authorizeUrl}/payroll`)).status).toBe(401);
  await expect(authorize('payroll', 'stranger')).resolves.toMatchObject({
    status: 403,
    denial: { reasons: [{ code: 'decision-missing' }] },
  });
});
