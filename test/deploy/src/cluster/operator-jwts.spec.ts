import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { STREAMS } from '@stance/contracts';
import { waitFor } from '@stance/testing';

import { ClusterStack } from './cluster-stack.js';
import { Ledger } from './ledger.js';
import { ask } from './visitor.js';

let stack: ClusterStack;
let ledger: Ledger;

beforeAll(async () => {
  stack = await ClusterStack.start(1, { format: 'jwt' });
  await stack.run(1);
  ledger = await Ledger.open(stack.connection);
}, 180_000);

afterAll(async () => {
  await ledger?.close();
  await stack?.close();
}, 60_000);

const patience = { timeoutMs: 60_000, intervalMs: 50 };

test('a cluster in operator mode lets every service do its part, up to a revocation', async () => {
  const isIn = async () => (await ask(stack, 'd0', 'payroll', 0)) === 'let in' && ledger.openSession('d0', 'payroll');
  const sessionId = await waitFor(isIn, { what: 'a session of d0', ...patience });
  stack.infect('d0');
  const story = ledger.sessions.get(sessionId);
  await waitFor(() => story?.ends.length === 1 && story.revocations.length === 1, {
    what: 'the session to be revoked and ended',
    ...patience,
  });
  expect(story?.ends).toMatchObject([{ cause: 'revoked' }]);
  expect(await ask(stack, 'd0', 'payroll', 0)).toBe('denied');
  expect((await stack.manager.streams.info(STREAMS.SESSIONS.name)).config.num_replicas).toBe(3);
  expect(stack.replicas.flatMap(({ mishap }) => mishap ?? [])).toEqual([]);
}, 120_000);
