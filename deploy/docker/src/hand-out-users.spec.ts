import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const PROGRAM = fileURLToPath(new URL('../hand-out-users.mjs', import.meta.url));

let folder: string;
let from: string;
let to: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stance-hand-out-'));
  [from, to] = [join(folder, 'nats-auth'), join(folder, 'hand-out')];
  await mkdir(join(from, 'users'), { recursive: true });
  await writeFile(join(from, 'nats-auth.conf'), 'accounts {}');
  for (const user of ['audit', 'audit-trail', 'gateway-edge', 'gateway-vpn', 'break-glass'])
    await writeFile(join(from, 'users', `${user}.nk`), `seed of ${user}`);
});
afterEach(() => rm(folder, { recursive: true }));

const handOut = (...shares: string[]) => promisify(execFile)(process.execPath, [PROGRAM, from, to, ...shares]);
const handed = (container: string) => readdir(join(to, container));

describe('handing out the users of NATS', () => {
  it('gives each container its own files, for its owner alone, and nothing else', async () => {
    await handOut('nats=nats-auth.conf', 'audit=users/audit.nk,users/audit-trail.nk');
    expect(await readdir(to)).toEqual(['audit', 'nats']);
    expect(await handed('nats')).toEqual(['nats-auth.conf']);
    expect(await handed('audit')).toEqual(['audit-trail.nk', 'audit.nk']);
    expect(await readFile(join(to, 'audit', 'audit.nk'), 'utf8')).toBe('seed of audit');
    expect((await stat(join(to, 'audit', 'audit.nk'))).mode & 0o777).toBe(0o600);
  });

  it('brings a new key, and takes back what a container is no longer', async () => {
    await handOut('gateway=users/gateway-edge.nk');
    await writeFile(join(from, 'users', 'gateway-vpn.nk'), 'a new seed');
    await handOut('gateway=users/gateway-vpn.nk');
    expect(await handed('gateway')).toEqual(['gateway-vpn.nk']);
    expect(await readFile(join(to, 'gateway', 'gateway-vpn.nk'), 'utf8')).toBe('a new seed');
  });

  it.each([
    ['a user that there is not', ['audit=users/nobody.nk'], /ENOENT/],
    ['a share without files', ['audit='], /<container>=<file>/],
    ['nothing to hand out', [], /usage/],
  ])('fails for %s', async (_, shares, message) => {
    await expect(handOut(...shares)).rejects.toMatchObject({ stderr: expect.stringMatching(message) });
  });
});
