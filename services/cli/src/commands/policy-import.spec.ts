import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parsePolicy } from '@stance/policy';
import { temporaryFolder, type TemporaryFolder } from '@stance/testing';
import { stance } from '../fixtures/captured-io.js';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

async function fileOf(text: string): Promise<string> {
  const file = join(folder.path, 'policy.hujson');
  await writeFile(file, text);
  return file;
}

const TAILSCALE = `{
  // only healthy machines
  "postures": { "posture:healthy": ["sentinelOne:infected == false"] },
  "acls": [
    { "action": "accept", "src": ["group:dev"], "dst": ["tag:web:443"], "srcPosture": ["posture:healthy"] },
  ],
}
`;
const NETBIRD = '{ "groups": ["devs"], "last_synced_interval": 24, "match_attributes": { "active_threats": 0 } }';
const CLOUDFLARE = '{ "name": "it", "type": "sentinelone_s2s", "input": { "connection_id": "a", "infected": false } }';

describe('policy import', () => {
  test.each([
    ['tailscale', TAILSCALE, 'sentinelOne:infected == false'],
    ['netbird', NETBIRD, 'sentinelOne:activeThreats <= 0'],
    ['cloudflare', CLOUDFLARE, 'sentinelOne:infected == false'],
  ])(
    '%s prints a policy and, apart from it, what to know about it; needs no server',
    async (system, text, condition) => {
      const file = await fileOf(text);
      const { exitCode, stdout, stderr } = await stance(['policy', 'import', system, file]);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/^# yaml-language-server: \$schema=/);
      expect(stdout).toContain(condition);
      expect(parsePolicy(stdout)).toMatchObject({ ok: true });
      expect(stderr).toContain(`${file}:1:`);
      expect(stderr).toMatch(/: to review: .*\n[^]*imported: 0 left out, \d+ changed, \d+ to review\n$/);
    },
  );

  test('says what was left out, and exits with 1', async () => {
    const file = await fileOf(TAILSCALE.replace('"group:dev"', '"group:dev", "autogroup:admin"'));
    const { exitCode, stdout, stderr } = await stance(['policy', 'import', 'tailscale', file]);
    expect(exitCode).toBe(1);
    expect(parsePolicy(stdout)).toMatchObject({ ok: true });
    expect(stderr).toContain(`${file}:5:48: left out: acls[0].src[1]: autogroup:admin as a source: `);
    expect(stderr).toMatch(/imported: 1 left out/);
  });

  test('prints policy and report as one object for scripts', async () => {
    const file = await fileOf(TAILSCALE);
    const { exitCode, stdout, stderr } = await stance(['policy', 'import', 'tailscale', file, '--json']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      policy: expect.stringContaining('groups: [ dev ]'),
      report: expect.arrayContaining([
        {
          severity: 'review',
          at: 'acls[0].src[0]',
          line: 5,
          column: 35,
          message: expect.stringContaining('group dev'),
        },
      ]),
    });
  });

  test('keeps control characters of the file from a terminal', async () => {
    const file = await fileOf(TAILSCALE.replace('group:dev', 'group:\\u202edev'));
    const onTerminal = await stance(['policy', 'import', 'tailscale', file], { columns: 80 });
    expect(onTerminal.stdout + onTerminal.stderr).not.toContain('\u202e');
  });

  test('of what is no such file shows where, and exits with 2', async () => {
    const file = await fileOf(TAILSCALE.replace('"accept"', '"deny"'));
    expect(await stance(['policy', 'import', 'tailscale', file])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: [
        `${file}:5:17: the only action that can be imported is accept`,
        '  5 |     { "action": "deny", "src": ["group:dev"], "dst": ["tag:web:443"], "srcPosture": ["posture:healthy"] },',
        '                      ^',
        'nothing was imported',
        '',
      ].join('\n'),
    });
  });

  test('says that a file cannot be read', async () => {
    expect(await stance(['policy', 'import', 'netbird', '/nowhere.json'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^\/nowhere\.json cannot be read/),
    });
  });
});
