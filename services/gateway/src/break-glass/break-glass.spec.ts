import { mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';
import type { Asker } from '../access/access.js';
import type { BreakGlassUse } from './break-glass-use.js';
import { HangingFileSystem, makeFifo } from '../fixtures/hanging-file-system.js';
import { BreakGlass } from './break-glass.js';

const NOON = Date.parse('2026-01-05T12:00:00.000Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const laptop: Asker = { deviceId: 'laptop-1', resource: 'wiki', user: 'anna@example.org', proof: 'certificate' };

let folder: TemporaryFolder;
let file: string;
let now: number;
let running: BreakGlass[];
beforeEach(async () => {
  folder = await temporaryFolder();
  file = join(folder.path, 'break-glass.yaml');
  now = NOON;
  running = [];
});
afterEach(async () => {
  for (const breakGlass of running) breakGlass.stop();
  await folder.remove();
});

interface Line {
  readonly device?: string;
  readonly resource?: string;
  readonly until?: string;
  readonly reason?: string;
}

const at = (ms: number): string => new Date(ms).toISOString();

const entry = ({
  device = 'laptop-1',
  resource = 'wiki',
  until = at(NOON + HOUR),
  reason = 'NATS is down',
}: Line = {}) => `- { device: ${device}, resource: ${resource}, until: ${until}, by: ops, reason: ${reason} }\n`;

/** Writes the file as if it were now, or at another time. */
async function write(text: string, modifiedAt = now): Promise<void> {
  await writeFile(file, text);
  await utimes(file, modifiedAt / 1_000, modifiedAt / 1_000);
}

/** A gateway's break-glass that looks only when it is told to; `confirm` is whether the server takes what is recorded. */
async function start({ confirm = true, gateway = 'edge', lookEveryMs = HOUR, readWithinMs = HOUR } = {}) {
  const warned: string[] = [];
  const failed: string[] = [];
  const ended: string[] = [];
  const recorded: BreakGlassUse[] = [];
  const log = (said: string[]) => (details: unknown, message?: string) =>
    void said.push(`${message ?? ''} ${JSON.stringify(details)}`);
  const breakGlass = new BreakGlass({
    file,
    gateway,
    record: (use) => {
      recorded.push(use);
      return confirm ? Promise.resolve(true) : new Promise(() => undefined);
    },
    onEnded: (grantId) => void ended.push(grantId),
    logger: { warn: log(warned), error: log(failed) },
    now: () => now,
    lookEveryMs,
    readWithinMs,
  });
  running.push(breakGlass);
  await breakGlass.start();
  return { breakGlass, warned, failed, ended, recorded };
}

const journal = async () =>
  (await readdir(folder.path)).includes('break-glass.yaml.used') ? readdir(`${file}.used`) : [];

describe('a break-glass entry', () => {
  test('lets its device in to its resource until it ends, and nobody else', async () => {
    await write(entry());
    const { breakGlass } = await start();
    const granted = breakGlass.admit(laptop);
    expect(granted?.grantId).toMatch(/^break-glass:/);
    expect(breakGlass.admit({ ...laptop, user: 'bob@example.org' })).toEqual(granted);
    expect(breakGlass.admit({ ...laptop, deviceId: 'laptop-2' })).toBeUndefined();
    expect(breakGlass.admit({ ...laptop, resource: 'git' })).toBeUndefined();
    now = NOON + HOUR - 1;
    expect(breakGlass.admit(laptop)).toEqual(granted);
    now = NOON + HOUR;
    expect(breakGlass.admit(laptop)).toBeUndefined();
  });

  test.each([
    ['ends 4 h after the file was written', NOON, NOON + 4 * HOUR, true],
    ['ends a millisecond later than that', NOON, NOON + 4 * HOUR + 1, false],
    ['ends 4 h after the file was written, which was an hour ago', NOON - HOUR, NOON + 3 * HOUR, true],
    ['ends later than that, though within 4 h from now', NOON - HOUR, NOON + 3 * HOUR + 1, false],
    ['ends 4 h from now, in a file from the future', NOON + 24 * HOUR, NOON + 4 * HOUR, true],
    ['ends later than that', NOON + 24 * HOUR, NOON + 4 * HOUR + 1, false],
    ['has ended', NOON, NOON, false],
  ])('that %s counts or is refused loudly, and the others count', async (_, modifiedAt, until, counts) => {
    await write(entry({ until: at(until) }) + entry({ device: 'laptop-2' }), modifiedAt);
    const { breakGlass, failed } = await start();
    expect(breakGlass.admit(laptop) !== undefined).toBe(counts);
    expect(breakGlass.admit({ ...laptop, deviceId: 'laptop-2' })).toBeDefined();
    expect(failed).toHaveLength(counts ? 0 : 1);
    const refused = breakGlass.health().refused.map((line) => line.split(':')[0]);
    expect(refused).toEqual(counts ? [] : ['entry 1 (laptop-1 to wiki)']);
  });

  test.each([
    ['without a reason', `- { device: laptop-1, resource: wiki, until: ${at(NOON + HOUR)}, by: ops }\n`, 'reason'],
    ['with an empty one', entry({ reason: "' '" }), 'reason'],
    ['with a word that is none', entry().replace('by:', 'bye: x, by:'), 'bye'],
    ['until some day', entry({ until: 'tomorrow' }), 'until'],
    ['until a time of nowhere', entry({ until: '2026-01-05T13:00:00' }), 'until'],
  ])('%s is refused, and the others count', async (_, text, named) => {
    await write(text + entry({ device: 'laptop-2' }));
    const { breakGlass, failed } = await start();
    expect(breakGlass.admit(laptop)).toBeUndefined();
    expect(breakGlass.admit({ ...laptop, deviceId: 'laptop-2' })).toBeDefined();
    expect(failed).toEqual([expect.stringContaining(named)]);
  });

  test('is loud: when it begins to hold, at the first use of each user, and when it ends', async () => {
    await write(entry({ until: '2026-01-05T14:00:00+01:00' }));
    const { breakGlass, warned } = await start();
    expect(warned).toEqual([expect.stringMatching(/^break-glass holds.*laptop-1.*wiki.*ops.*NATS is down/)]);
    breakGlass.admit(laptop);
    breakGlass.admit(laptop);
    breakGlass.admit({ deviceId: 'laptop-1', resource: 'wiki', proof: 'address' });
    expect(warned.slice(1)).toEqual([
      expect.stringMatching(/^break-glass is used.*anna@example.org/),
      expect.stringMatching(/^break-glass is used/),
    ]);
    expect(breakGlass.health()).toEqual({
      active: [
        { device: 'laptop-1', resource: 'wiki', until: '2026-01-05T13:00:00.000Z', by: 'ops', reason: 'NATS is down' },
      ],
      refused: [],
      problem: null,
      unrecordedUses: 2,
    });
    now += HOUR;
    await breakGlass.look();
    expect(warned.at(-1)).toMatch(/^break-glass has ended/);
    expect(breakGlass.health()).toMatchObject({ active: [], unrecordedUses: 0 });
  });

  test('that ends cuts what it carries, unless another one for the same goes on', async () => {
    await write(entry() + entry({ until: at(NOON + 2 * HOUR), reason: 'still down' }));
    const { breakGlass, ended } = await start();
    const { grantId } = breakGlass.admit(laptop) ?? { grantId: '' };
    now += HOUR;
    await breakGlass.look();
    expect([breakGlass.admit(laptop)?.grantId, ended]).toEqual([grantId, []]);
    now += HOUR;
    await breakGlass.look();
    expect(ended).toEqual([grantId]);
  });
});

describe('the break-glass file', () => {
  test('is read again when it changes: what is taken back is cut, what is prolonged goes on', async () => {
    await write(entry() + entry({ device: 'laptop-2' }));
    const { breakGlass, ended, warned } = await start();
    const first = breakGlass.admit(laptop);
    const second = breakGlass.admit({ ...laptop, deviceId: 'laptop-2' });
    now += 30 * MINUTE;
    await write(entry({ until: at(now + 2 * HOUR) }));
    await breakGlass.look();
    expect(ended).toEqual([second?.grantId]);
    expect(warned.filter((line) => line.startsWith('break-glass was taken back'))).toHaveLength(2);
    now += HOUR;
    await breakGlass.look();
    expect(breakGlass.admit(laptop)).toEqual(first);
    await rm(file);
    await breakGlass.look();
    expect(breakGlass.admit(laptop)).toBeUndefined();
    expect(ended).toEqual([second?.grantId, first?.grantId]);
    expect(breakGlass.health().problem).toBeNull();
  });

  test('counts also when another one takes its place with the same time', async () => {
    await write('[]');
    const { breakGlass } = await start();
    const other = join(folder.path, 'other.yaml');
    await writeFile(other, entry());
    await utimes(other, now / 1_000, now / 1_000);
    await rename(other, file);
    await breakGlass.look();
    expect(breakGlass.admit(laptop)).toBeDefined();
  });

  test.each([
    ['no YAML', '- { device: [', /./],
    ['no list', `entries:\n  ${entry()}`, /has to be a list/],
    ['a key twice', entry().replace('device: laptop-1', 'device: laptop-1, device: laptop-2'), /unique/],
  ])('that is %s lets nobody in, says so once, and counts again when it is put right', async (_, broken, problem) => {
    await write(entry());
    const { breakGlass, failed, ended } = await start();
    const granted = breakGlass.admit(laptop);
    now += 1_000;
    await write(broken);
    await breakGlass.look();
    await breakGlass.look();
    expect(breakGlass.admit(laptop)).toBeUndefined();
    expect(ended).toEqual([granted?.grantId]);
    expect(failed).toHaveLength(1);
    expect(breakGlass.health().problem).toMatch(problem);
    now += 1_000;
    await write(entry());
    await breakGlass.look();
    expect(breakGlass.admit(laptop)).toBeDefined();
    expect(breakGlass.health().problem).toBeNull();
  });

  test('that is a folder, or far too large, lets nobody in', async () => {
    await mkdir(file);
    const { breakGlass } = await start();
    expect(breakGlass.health().problem).toMatch(/is no regular file/);
    await rm(file, { recursive: true });
    await write(`${'#'.repeat(1_100_000)}\n${entry()}`);
    await breakGlass.look();
    expect(breakGlass.admit(laptop)).toBeUndefined();
    expect(breakGlass.health().problem).toMatch(/more than/);
  });

  test('that is missing is none, and one that comes later counts', async () => {
    const { breakGlass, failed } = await start();
    expect(breakGlass.admit(laptop)).toBeUndefined();
    expect(failed).toEqual([]);
    await write(entry());
    await breakGlass.look();
    expect(breakGlass.admit(laptop)).toBeDefined();
  });

  test('is looked at by itself', async () => {
    const { breakGlass } = await start({ lookEveryMs: 5 });
    await write(entry());
    const granted = await waitFor(() => breakGlass.admit(laptop), { what: 'the file is read' });
    expect(granted).toEqual({ grantId: expect.stringMatching(/^break-glass:/) });
  });
});

describe('a file system that hangs', () => {
  let hanging: HangingFileSystem;
  beforeEach(async () => {
    await write(entry());
    hanging = HangingFileSystem.prepare(folder.path);
  });
  afterEach(() => hanging.release());

  test('does not prolong an entry: what it carries is cut when it ends', async () => {
    const { breakGlass, ended } = await start({ lookEveryMs: 5 });
    const granted = breakGlass.admit(laptop);
    hanging.begin();
    const looking = breakGlass.look();
    now += HOUR;
    await waitFor(() => ended.length > 0, { what: 'it is cut' });
    expect(ended).toEqual([granted?.grantId]);
    await hanging.release();
    await looking;
  });

  test('lets nobody in after a while, says so once, and does no more harm when it is back', async () => {
    const { breakGlass, ended, failed } = await start({ readWithinMs: 1_000 });
    const granted = breakGlass.admit(laptop);
    hanging.begin();
    await breakGlass.look();
    await breakGlass.look();
    expect(breakGlass.admit(laptop)).toBeUndefined();
    expect(ended).toEqual([granted?.grantId]);
    expect(failed).toHaveLength(1);
    expect(breakGlass.health()).toMatchObject({
      active: [],
      problem: expect.stringMatching(/did not answer within 1000 ms/),
    });
    await hanging.release();
    await waitFor(async () => (await breakGlass.look(), breakGlass.admit(laptop)), { what: 'it is read again' });
    expect(breakGlass.health().problem).toBeNull();
  });

  test('does not hold up the end, after which nobody is let in', async () => {
    const { breakGlass } = await start();
    await write(entry() + entry({ device: 'laptop-2' }));
    hanging.begin();
    const looking = breakGlass.look();
    breakGlass.stop();
    expect(breakGlass.admit(laptop)).toBeUndefined();
    await hanging.release();
    await looking;
    expect(breakGlass.admit({ ...laptop, deviceId: 'laptop-2' })).toBeUndefined();
  });

  test('behind a FIFO is none: nobody is let in at once', async () => {
    const { breakGlass } = await start();
    await rm(file);
    makeFifo(file);
    await breakGlass.look();
    expect(breakGlass.admit(laptop)).toBeUndefined();
    expect(breakGlass.health().problem).toMatch(/is no regular file/);
  });
});

describe('a use of break-glass', () => {
  test('is recorded once for each entry and user: who, what, why, until when', async () => {
    await write(entry());
    const { breakGlass, recorded } = await start();
    breakGlass.admit(laptop);
    now += MINUTE;
    breakGlass.admit(laptop);
    breakGlass.admit({ ...laptop, user: 'bob@example.org' });
    expect(recorded).toEqual([
      {
        gateway: 'edge',
        useId: expect.stringMatching(/^wiki-[0-9a-f]{32}$/),
        deviceId: 'laptop-1',
        resource: 'wiki',
        user: 'anna@example.org',
        proof: 'certificate',
        by: 'ops',
        reason: 'NATS is down',
        until: at(NOON + HOUR),
        usedAt: at(NOON),
      },
      expect.objectContaining({ user: 'bob@example.org' }),
    ]);
    expect(new Set(recorded.map(({ useId }) => useId)).size).toBe(2);
    await waitFor(async () => (await journal()).length === 0, { what: 'what is recorded is kept no longer' });
    expect(breakGlass.health().unrecordedUses).toBe(0);
  });

  test('has the same id after a restart, and another one at another gateway', async () => {
    await write(entry());
    const ids: (string | undefined)[] = [];
    for (const gateway of ['edge', 'edge', 'office']) {
      const { breakGlass, recorded } = await start({ gateway });
      breakGlass.admit(laptop);
      ids.push(recorded[0]?.useId);
      await waitFor(async () => (await journal()).length === 0, { what: 'it is recorded' });
    }
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  test('is on the disk before anybody is let in, and recorded by the next life where this one could not', async () => {
    await write(entry({ resource: "'../../wiki'" }));
    const killed = await start({ confirm: false });
    expect(killed.breakGlass.admit({ ...laptop, resource: '../../wiki' })).toBeDefined();
    const kept = await journal();
    expect(kept).toEqual([expect.stringMatching(/^------wiki-[0-9a-f]{32}\.json$/)]);
    expect(killed.breakGlass.health().unrecordedUses).toBe(1);
    await rm(file);
    now += 24 * HOUR;
    const { recorded } = await start();
    expect(recorded).toEqual(killed.recorded);
    await waitFor(async () => (await journal()).length === 0, { what: 'it is recorded' });
  });

  test('of another gateway with the same file is left to that one, and told once', async () => {
    await write(entry());
    const killed = await start({ confirm: false, gateway: 'office' });
    killed.breakGlass.admit(laptop);
    killed.breakGlass.admit({ ...laptop, user: 'bob@example.org' });
    const other = await start({ gateway: 'edge' });
    expect(other.recorded).toEqual([]);
    const told = other.warned.filter((line) => line.startsWith('uses of break-glass by another gateway'));
    expect(told).toEqual([expect.stringContaining('"gateway":"office"')]);
    for (const name of await journal()) expect(told[0]).toContain(join(`${file}.used`, name));
    const own = await start({ gateway: 'office' });
    expect(own.recorded).toHaveLength(2);
    expect(own.recorded).toEqual(expect.arrayContaining(killed.recorded));
    expect(own.warned.join()).not.toContain('another gateway');
  });

  test.each([{ user: 'anna@example.org' }, {}])(
    'that a version before kept as an operation is recorded, of %j',
    async (whose) => {
      const targetId = `wiki-${'0'.repeat(32)}`;
      const said = { by: 'ops', reason: 'NATS is down', until: at(NOON + HOUR) };
      const asked = { gateway: 'edge', resource: 'wiki', ...whose, proof: 'certificate', usedAt: at(NOON) };
      const kept = { kind: 'break-glass-used', targetId, ...said, details: { ...asked, device: 'laptop-1' } };
      await mkdir(`${file}.used`);
      await writeFile(join(`${file}.used`, `${targetId}.json`), JSON.stringify(kept));
      const { recorded, failed } = await start();
      expect(failed).toEqual([]);
      expect(recorded).toEqual([{ useId: targetId, deviceId: 'laptop-1', ...asked, ...said }]);
      await waitFor(async () => (await journal()).length === 0, { what: 'it is recorded' });
    },
  );

  test('that nobody can read any more stays, is told, and holds nothing up', async () => {
    await write(entry());
    const killed = await start({ confirm: false });
    killed.breakGlass.admit(laptop);
    await writeFile(join(`${file}.used`, 'torn.json'), '{"kind":');
    await writeFile(join(`${file}.used`, 'moved.json'), JSON.stringify(killed.recorded[0]));
    const approval = { kind: 'sweep-approved', targetId: 'other', by: 'ops', reason: 'none' };
    await writeFile(join(`${file}.used`, 'other.json'), JSON.stringify(approval));
    const { recorded, failed } = await start();
    expect(recorded).toHaveLength(1);
    expect(failed).toEqual(['moved', 'other', 'torn'].map((name) => expect.stringContaining(`${name}.json`)));
    await waitFor(async () => (await journal()).length === 3, { what: 'the others stay' });
  });

  test('that cannot be kept lets nobody in, and says so once', async () => {
    await write(entry());
    const { breakGlass, failed } = await start();
    // A file where the folder should be: also root cannot write there.
    await writeFile(`${file}.used`, '');
    expect(breakGlass.admit(laptop)).toBeUndefined();
    expect(breakGlass.admit(laptop)).toBeUndefined();
    expect(failed).toEqual([expect.stringMatching(/^break-glass lets nobody in/)]);
    expect(breakGlass.health().problem).toMatch(/^uses cannot be kept/);
    await rm(`${file}.used`);
    expect(breakGlass.admit(laptop)).toBeDefined();
    expect(breakGlass.health().problem).toBeNull();
  });

  test('that could not be kept is told at the start already', async () => {
    await write(entry());
    await writeFile(`${file}.used`, '');
    const { failed } = await start();
    expect(failed).toEqual([expect.stringMatching(/^break-glass lets nobody in/)]);
  });
});
