import { appendFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { PostureChanged, STREAMS } from '@stance/contracts';
import { applyTopology } from '@stance/jetstream';
import {
  PATIENCE_MS,
  startSecuredNats,
  temporaryFolder,
  type SecuredNats,
  type TemporaryFolder,
} from '@stance/testing';
import { stance, startStance } from '../fixtures/captured-io.js';
import { posture } from '../fixtures/facts.js';
import { TrailWriter } from '../fixtures/trail-writer.js';

const RECORDED_ON = 'stance.audit.recorded.v1.STANCE_POSTURE.laptop-1';

let nats: SecuredNats;
let trail: TrailWriter;
let folder: TemporaryFolder;
let file: string;

beforeAll(async () => {
  nats = await startSecuredNats({ gateways: [] });
});
afterAll(() => nats.close());
beforeEach(async () => {
  folder = await temporaryFolder();
  file = join(folder.path, 'trail.jsonl');
  await applyTopology(await nats.connectAs('topology'));
  trail = new TrailWriter(await nats.connectAs('audit-trail'));
});
afterEach(async () => {
  await (await keeper()).streams.delete(STREAMS.AUDIT.name);
  await folder.remove();
});

const keeper = async () => jetstreamManager(await nats.connectAs('audit-break-glass'));
/** As who has the auditor's key and no other. */
const env = () => ({ NATS_URL: nats.url, STANCE_AUDIT_NATS_NKEY_SEED_FILE: nats.fileOf('auditor') });
const exported = (...args: string[]) => stance(['audit', 'export', ...args], { env: env() });
const verified = async (...files: string[]) => {
  const { exitCode, stdout } = await stance(['audit', 'verify', '--json', '--file', ...files]);
  return { exitCode, ...(JSON.parse(stdout) as { records: number; lastHash: string; firstBad?: unknown }) };
};

/** Records so many facts; the second says that some before it were gone. */
async function record(count: number, comment = ''): Promise<void> {
  for (let n = 1; n <= count; n += 1) {
    if (n === 2) await trail.gap(PostureChanged, 3);
    else await trail.fact(PostureChanged, posture({ revision: n }), '2026-01-05T10:00:00.000Z', payloadOf(comment));
  }
}

const payloadOf = (payload: string) => (payload === '' ? {} : { payload });
const linesOf = async (path: string) => (await readFile(path, 'utf8')).split('\n').slice(0, -1);
const writeLines = (lines: readonly string[]) => writeFile(file, lines.map((line) => `${line}\n`).join(''));

describe('an export of the trail', () => {
  it('has every record as it is stored, and is verified offline', async () => {
    await record(4);
    const { exitCode, stdout, stderr } = await exported('--out', file, '--json');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const found = await verified(file);
    expect(found).toMatchObject({ exitCode: 0, records: 4, gaps: 1, intact: true });
    expect(JSON.parse(stdout)).toEqual({
      file,
      records: 4,
      lastSequence: 4,
      lastHash: found.lastHash,
      trailEnd: 4,
      complete: true,
    });
    const { streams } = await keeper();
    for (const [index, line] of (await linesOf(file)).entries()) {
      const stored = await streams.getMessage(STREAMS.AUDIT.name, { seq: index + 1 });
      expect(line).toBe(
        `{"streamSequence":${index + 1},"subject":"${stored?.subject}","event":${stored?.string() ?? ''}}`,
      );
    }
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('is larger than what is read at a time', async () => {
    await record(40, 'x'.repeat(500_000));
    await exported('--out', file);
    expect(await verified(file)).toMatchObject({ exitCode: 0, records: 40 });
  });

  it('goes on after the last whole line of a file, and drops one that is torn', async () => {
    await record(3);
    await exported('--out', file);
    await truncate(file, (await stat(file)).size - 10);
    expect(await verified(file)).toMatchObject({
      exitCode: 1,
      records: 2,
      firstBad: { file, line: 3, problem: expect.stringContaining('torn') },
    });
    await trail.fact(PostureChanged, posture({ revision: 9 }), '2026-01-05T11:00:00.000Z');
    const { exitCode, stdout, stderr } = await exported('--out', file);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringContaining('2 records exported, up to sequence 4'),
    });
    expect(stderr).toMatch(/a torn last line of \d+ bytes was dropped\n.*going on at sequence 3\n/);
    expect(await verified(file)).toMatchObject({ exitCode: 0, records: 4 });
  });

  it('writes nothing twice', async () => {
    await record(2);
    await exported('--out', file);
    const before = await readFile(file, 'utf8');
    const { exitCode, stdout } = await exported('--out', file, '--json');
    expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({ exitCode: 0, records: 0, lastSequence: 2 });
    expect(await readFile(file, 'utf8')).toBe(before);
  });

  it('is made in parts, which are verified as one', async () => {
    await record(5);
    const { stdout } = await exported();
    const part = join(folder.path, 'part-2.jsonl');
    await writeLines(stdout.split('\n').slice(0, 2));
    await exported('--from', '3', '--out', part);
    expect(await verified(file, part)).toMatchObject({ exitCode: 0, records: 5 });
    expect(await verified(part)).toMatchObject({
      exitCode: 1,
      firstBad: { file: part, line: 1, position: 3, problem: 'position 1 to 2 missing before it' },
    });
  });

  it('goes to standard output, and nothing else does', async () => {
    await record(3);
    const { stdout, stderr, exitCode } = await exported('--from', '2');
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').map((line) => line.slice(0, 20))).toEqual([
      '{"streamSequence":2,',
      '{"streamSequence":3,',
      '',
    ]);
    expect(stderr).toContain('2 records exported');
  });

  it('is left usable by Ctrl-C', async () => {
    await record(40, 'x'.repeat(500_000));
    const running = startStance(['audit', 'export', '--out', file], { env: env() });
    running.interrupt();
    const { exitCode, stderr } = await running.outcome;
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: expect.stringMatching(/interrupted: it ends with/) });
    const { length } = await linesOf(file);
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThan(40);
    await exported('--out', file);
    expect(await verified(file)).toMatchObject({ exitCode: 0, records: 40 });
  });

  it('keeps what somebody else wrote into the trail, which verification names', async () => {
    await record(1);
    const forger = await nats.connectAs('audit-trail');
    await forger.request(RECORDED_ON, 'no record', { timeout: PATIENCE_MS });
    await forger.request(RECORDED_ON, '{"forged":true}', { timeout: PATIENCE_MS });
    await exported('--out', file);
    expect((await linesOf(file)).map((line) => JSON.parse(line) as object).slice(1)).toEqual([
      { streamSequence: 2, subject: RECORDED_ON, payload: Buffer.from('no record').toString('base64') },
      { streamSequence: 3, subject: RECORDED_ON, event: { forged: true } },
    ]);
    expect(await verified(file)).toMatchObject({
      exitCode: 1,
      records: 1,
      firstBad: { line: 2, streamSequence: 2, problem: expect.stringContaining('it is not an audit record') },
    });
  });

  it('refuses to go on where the trail is no longer the one that was exported', async () => {
    await record(2);
    await exported('--out', file);
    const before = await readFile(file, 'utf8');
    await (await keeper()).streams.delete(STREAMS.AUDIT.name);
    await applyTopology(await nats.connectAs('topology'));
    trail = new TrailWriter(await nats.connectAs('audit-trail'));
    await record(3);
    const { exitCode, stderr } = await exported('--out', file);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining('rewritten since') });
    expect(await readFile(file, 'utf8')).toBe(before);
  });

  it('refuses to go on elsewhere than where the file ends', async () => {
    await record(2);
    await exported('--out', file);
    expect(await exported('--out', file, '--from', '1')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('goes on at sequence 3'),
    });
  });

  it.each(['my notes', 'my notes\n', '{"streamSequence":1}x\n'])(
    'leaves a file alone that is not an export: %j',
    async (text) => {
      await writeFile(file, text);
      expect(await exported('--out', file)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('is not an exported trail'),
      });
      expect(await readFile(file, 'utf8')).toBe(text);
    },
  );

  it('is not for who may not read the trail', async () => {
    const { exitCode, stderr } = await stance(['audit', 'export'], {
      env: { NATS_URL: nats.url, NATS_NKEY_SEED_FILE: nats.fileOf('viewer') },
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringMatching(/./) });
  });
});

describe('verifying an exported file names', () => {
  beforeEach(async () => {
    await record(5);
    await exported('--out', file);
  });

  test.each<[string, (lines: string[]) => string[], object]>([
    [
      'a record that was altered',
      (lines) => lines.map((line, index) => (index === 2 ? line.replace('2026-01-05T10', '2026-01-05T11') : line)),
      { line: 3, streamSequence: 3, position: 3, problem: expect.stringContaining('it was altered') },
    ],
    [
      'a record that is missing',
      (lines) => lines.toSpliced(2, 1),
      { line: 3, problem: 'position 3 missing before it' },
    ],
    [
      'records in another order',
      (lines) => [0, 2, 1, 3, 4].flatMap((index) => lines.slice(index, index + 1)),
      { line: 2, position: 3, problem: 'position 2 missing before it' },
    ],
    ['a record that comes twice', (lines) => lines.toSpliced(1, 0, ...lines.slice(0, 1)), { line: 2, position: 1 }],
    [
      'a line of something else',
      (lines) => lines.toSpliced(1, 0, 'hello'),
      { line: 2, problem: 'it is not a line of an exported trail' },
    ],
    ['that there is nothing', () => [], { line: 1, problem: 'there is no record in this file' }],
  ])('%s', async (_, change, firstBad) => {
    await writeLines(change(await linesOf(file)));
    expect(await verified(file)).toMatchObject({ exitCode: 1, intact: false, firstBad: { file, ...firstBad } });
  });

  it('another last hash where whole lines were cut off its end', async () => {
    const before = await verified(file);
    await writeLines((await linesOf(file)).slice(0, 4));
    const after = await verified(file);
    expect(after).toMatchObject({ exitCode: 0, records: 4 });
    expect(after.lastHash).not.toBe(before.lastHash);
  });

  it('the place in words', async () => {
    await appendFile(file, 'torn');
    expect(await stance(['audit', 'verify', '--file', file])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining(`broken at ${file}:6: it is torn`),
    });
  });

  it('a file that is not there', async () => {
    expect(await stance(['audit', 'verify', '--file', join(folder.path, 'other')])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('cannot be used: ENOENT'),
    });
    expect(await stance(['audit', 'verify', '--file', folder.path])).toMatchObject({ exitCode: 2 });
  });
});
