import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { deleteStreams, startTestNats, type TestNats } from '@stance/testing';
import { stance } from '../fixtures/captured-io.js';

let nats: TestNats;
beforeEach(async () => {
  nats = await startTestNats();
  await deleteStreams(await jetstreamManager(await nats.connect()));
});
afterEach(async () => {
  await nats.close();
});

const run = (...argv: string[]) => stance(['--nats', nats.url, ...argv]);

test('topology check names what is missing and exits with 1 until apply has made it', async () => {
  const before = await run('topology', 'check', '--json');
  expect(before.exitCode).toBe(1);
  expect(JSON.parse(before.stdout)).toContainEqual({ stream: 'STANCE_DECISIONS', problem: 'is missing' });

  const applied = await run('topology', 'apply');
  expect(applied).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('created STANCE_DECISIONS') });
  expect(await run('topology', 'check', '--json')).toEqual({ exitCode: 0, stdout: '[]\n', stderr: '' });
});

test('topology check names what differs', async () => {
  await run('topology', 'apply');
  const manager = await jetstreamManager(await nats.connect());
  await manager.streams.update('STANCE_SESSIONS', { max_msgs_per_subject: 5 });
  expect(await run('topology', 'check')).toMatchObject({
    exitCode: 1,
    stdout: expect.stringMatching(/STANCE_SESSIONS +max_msgs_per_subject is 5, not 1/),
  });
  expect(JSON.parse((await run('topology', 'apply', '--json')).stdout)).toEqual({
    created: [],
    updated: ['STANCE_SESSIONS'],
  });
});

test('a server without the streams sends the reader to topology apply', async () => {
  expect(await run('sessions')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringContaining('stance topology apply'),
  });
});
