import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '@stance/testing';
import { WrongUsage } from './errors.js';
import { findLocalStack, LocalStackNotRunning, whyDistrusted } from './local-stack.js';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

const running = { natsUrl: 'nats://127.0.0.1:1', gatewayUrl: null, simulatorUrl: null, demo: true, pid: process.pid };

function place(name: string, content: unknown): string {
  const home = join(folder.path, name);
  mkdirSync(home, { recursive: true });
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  writeFileSync(join(home, 'run.json'), text, { mode: 0o644 });
  return home;
}

const nowhere = { dataDir: undefined, cwd: '/', workspaceRoot: '/nowhere' };

describe('findLocalStack', () => {
  test('finds the nearest .stance folder from the current folder upwards', () => {
    place('.stance', running);
    const cwd = join(folder.path, 'a', 'b');
    expect(findLocalStack({ ...nowhere, cwd })).toMatchObject({ natsUrl: 'nats://127.0.0.1:1', demo: true });
  });

  test('falls back to the checkout that the command belongs to', () => {
    place('.stance', running);
    expect(findLocalStack({ ...nowhere, workspaceRoot: folder.path })).toMatchObject({ pid: process.pid });
  });

  test('STANCE_DATA_DIR, relative to the current folder too, is looked into alone', () => {
    place('data', running);
    place('.stance', running);
    expect(findLocalStack({ ...nowhere, dataDir: 'data', cwd: folder.path })).toMatchObject({ demo: true });
    expect(() => findLocalStack({ ...nowhere, dataDir: 'other', cwd: folder.path })).toThrow(LocalStackNotRunning);
  });

  test('says that nothing runs where there is no file', () => {
    expect(() => findLocalStack(nowhere)).toThrow(/the local stack is not running \(start it with npm start\)/);
  });

  test('says that nothing runs where the process of the file is gone', async () => {
    const gone = spawn(process.execPath, ['-e', '']);
    await once(gone, 'exit');
    place('.stance', { ...running, pid: gone.pid });
    expect(() => findLocalStack({ ...nowhere, cwd: folder.path })).toThrow(
      new RegExp(`not running.*left over from process ${gone.pid}`),
    );
  });

  test.each(['{', '{"pid":1}'])('says which file is unreadable: %s', (content) => {
    const home = place('.stance', content);
    const find = () => findLocalStack({ ...nowhere, cwd: folder.path });
    expect(find).toThrow(WrongUsage);
    expect(find).toThrow(home);
  });

  test.each([0o664, 0o646])('refuses one that others may write, instead of looking further: mode %o', (mode) => {
    const home = place('.stance', running);
    chmodSync(join(home, 'run.json'), mode);
    const find = () => findLocalStack({ ...nowhere, cwd: folder.path, workspaceRoot: folder.path });
    expect(find).toThrow(WrongUsage);
    expect(find).toThrow(/run\.json says which local stack to use, but others than its owner may write it/);
    expect(find).toThrow(/name the server by --nats or NATS_URL/);
  });
});

// Only root may give a file away.
(process.getuid?.() === 0 ? describe : describe.skip)('findLocalStack as root', () => {
  test('refuses the file of another user', () => {
    const home = place('.stance', running);
    chownSync(join(home, 'run.json'), 65_534, 65_534);
    const find = () => findLocalStack({ ...nowhere, cwd: folder.path });
    expect(find).toThrow(WrongUsage);
    expect(find).toThrow(/belongs to another user \(65534\)/);
  });
});

describe('a file is distrusted', () => {
  const [caller, other, root] = [1000, 1001, 0];
  test.each([
    [{ uid: caller, mode: 0o100_600 }, caller, undefined],
    [{ uid: root, mode: 0o100_644 }, caller, undefined],
    [{ uid: other, mode: 0o100_600 }, caller, 'it belongs to another user (1001)'],
    [{ uid: caller, mode: 0o100_600 }, root, 'it belongs to another user (1000)'],
    [{ uid: caller, mode: 0o100_664 }, caller, 'others than its owner may write it'],
    [{ uid: root, mode: 0o100_646 }, caller, 'others than its owner may write it'],
    [{ uid: root, mode: 0o100_666 }, undefined, undefined],
  ])('%j by %j: %j', (file, reader, why) => {
    expect(whyDistrusted(file, reader)).toBe(why);
  });
});
