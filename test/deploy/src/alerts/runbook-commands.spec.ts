import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { RUNBOOKS } from './deployed.js';
import { mayRun } from './nats-commands.js';

const index = await readFile(join(RUNBOOKS, 'README.md'), 'utf8');
const pages = await Promise.all(
  (await readdir(RUNBOOKS))
    .filter((name) => name !== 'README.md')
    .map(async (name) => ({ name, text: await readFile(join(RUNBOOKS, name), 'utf8') })),
);

/** Where a page says who runs a command of `nats`: as `<user>`, or as the user before it in the same sentence. */
function natsCommandsOf(text: string): { user: string | undefined; command: string }[] {
  return text.split(/\n|\. |; /).flatMap((sentence) => {
    const user = /\bas `([a-z-]+)`/i.exec(sentence)?.[1];
    return [...sentence.matchAll(/`(nats [^`]+)`/g)].map(([, command = '']) => ({ user, command }));
  });
}

const withNats = pages.flatMap(({ name, text }) => natsCommandsOf(text).map((found) => ({ name, ...found })));
const withStance = pages.flatMap(({ name, text }) =>
  [...text.matchAll(/`(stance [a-z][^`]*)`/g)].map(([, command = '']) => ({ name, command })),
);
const ofUsers = [...index.matchAll(/^\| (?:`[a-z-]+`|none\b[^|]*) +\|(.*)\|$/gm)]
  .flatMap(([, cell = '']) => [...cell.matchAll(/`(stance [a-z -]+)`/g)])
  .map(([, command = '']) => command);

describe('a runbook', () => {
  test('uses some commands of both kinds', () => {
    expect(withNats.length).toBeGreaterThan(5);
    expect(withStance.length).toBeGreaterThan(40);
    expect(ofUsers.length).toBeGreaterThan(15);
  });

  test.each(withNats)('$name names a user that may run "$command": $user', ({ user, command }) => {
    expect({ user, may: mayRun(user ?? '', command) }).toEqual({ user, may: true });
  });

  test('has commands of `stance` only that the index says who may run', () => {
    const unknown = withStance.filter(
      ({ command }) => !ofUsers.some((known) => command === known || command.startsWith(`${known} `)),
    );
    expect(unknown).toEqual([]);
  });
});

describe('who may run a command of `nats`', () => {
  test.each([
    ['viewer', 'nats kv get STANCE_LEASES <lease>', false],
    ['operator', 'nats stream cluster step-down STANCE_DECISIONS', false],
    ['viewer', 'nats stream get STANCE_AUDIT <sequence>', false],
    ['break-glass', 'nats stream get STANCE_AUDIT <sequence>', false],
    ['break-glass', 'nats server report jetstream', false],
    ['operator', 'nats pub <originalSubject> <payload>', false],
    ['auditor', 'nats stream get STANCE_AUDIT <sequence>', true],
    ['viewer', 'nats stream get STANCE_DEAD <sequence>', true],
  ])('%s: %s: %s', (user, command, may) => {
    expect(mayRun(user, command)).toBe(may);
  });

  test('is not guessed', () => {
    expect(() => mayRun('break-glass', 'nats stream purge STANCE_DECISIONS')).toThrow('nobody has tried');
  });
});
