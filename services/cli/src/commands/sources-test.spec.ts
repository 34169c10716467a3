import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startSentinelOneTenant, type SentinelOneTenant, type SentinelOneTenantOptions } from '@stance/simulators';
import { freePort, temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';
import { startStance, stance, type RunOutcome } from '../fixtures/captured-io.js';

const TOKEN = 'secret-token-of-the-test-0123456789';
const SITES = [
  { id: '111', name: 'Office' },
  { id: '222', name: 'Lab' },
];

let folder: TemporaryFolder;
let tenant: SentinelOneTenant;
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  tenant = await startTenant();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await folder.remove();
});

async function startTenant(options: SentinelOneTenantOptions = {}): Promise<SentinelOneTenant> {
  const started = await startSentinelOneTenant({ token: TOKEN, sites: SITES, ...options });
  opened.push(started);
  return started;
}

const environment = (over: Record<string, string> = {}) => ({
  SENTINELONE_URL: tenant.url,
  SENTINELONE_API_TOKEN: TOKEN,
  NO_COLOR: '1',
  ...over,
});

async function run(over: Record<string, string> = {}, ...argv: string[]): Promise<RunOutcome> {
  const outcome = await stance(['sources', 'test', ...argv], { env: environment(over) });
  expect(outcome.stdout + outcome.stderr).not.toContain(TOKEN);
  return outcome;
}

/** The steps as `--json` prints them. */
async function steps(
  over: Record<string, string> = {},
): Promise<{ exitCode: number; steps: Record<string, string>[] }> {
  const { exitCode, stdout } = await run(over, '--json');
  return { exitCode, steps: JSON.parse(stdout) as Record<string, string>[] };
}

const outcomes = (of: readonly Record<string, string>[]): string =>
  of.map(({ step, outcome }) => `${step} ${outcome}`).join(', ');

describe('sources test', () => {
  test('shows every step of a connection in good order, and needs no NATS', async () => {
    const { exitCode, stdout, stderr } = await run();
    expect(exitCode).toBe(0);
    expect(stderr).toBe('');
    expect(stdout.split('\n').filter((line) => !line.includes('fix: '))).toEqual([
      'sentinelone',
      expect.stringMatching(/^ {2}ok {6}address {5}http:\/\/127\.0\.0\.1:\d+ answers \(404, \d+ ms\)$/),
      '  ok      token       the console accepts the token (Simulated 2.1 1)',
      '  ok      permission  the token has at least the role Viewer',
      '  ok      scope       all that the token may see (2 sites): 25 agents',
      expect.stringMatching(/^ {2}ok {6}rate {8}1 page of 1000; at 22\.5 of 25 requests\/s/),
      expect.stringMatching(/^ {2}(ok {6}|warning )first-page {2}25 records in \d+ ms; /),
      expect.stringMatching(/^(All is well|It can be polled; see what the warning says)\.$/),
      '',
    ]);
  });

  test('prints an array for scripts', async () => {
    const { exitCode, steps: all } = await steps({ SENTINELONE_SOURCE: 'office' });
    expect(exitCode).toBe(0);
    expect(all.map(({ source, step }) => [source, step])).toEqual(
      ['address', 'token', 'permission', 'scope', 'rate', 'first-page'].map((step) => ['office', step]),
    );
  });

  test('prints each step as it happens', async () => {
    tenant.faults.script({ kind: 'hang', path: '/sites' });
    const running = startStance(['sources', 'test'], { env: environment() });
    await waitFor(() => running.stdout().includes('permission'), { what: 'the step before is printed' });
    expect(running.stdout()).not.toContain('scope');
    await tenant.close();
    expect((await running.outcome).stdout).toMatch(/failed {2}scope/);
  });

  test('reads the token from a file, and what else the poller is configured with', async () => {
    await writeFile(join(folder.path, 'token'), `${TOKEN}\n`);
    const { steps: all } = await steps({
      SENTINELONE_API_TOKEN: '',
      SENTINELONE_API_TOKEN_FILE: join(folder.path, 'token'),
      SENTINELONE_SITE_IDS: '111',
      SENTINELONE_POLL_INTERVAL: '50ms',
    });
    expect(all[3]).toMatchObject({ step: 'scope', found: expect.stringMatching(/^1 of 2 sites: \d+ agents$/) });
    expect(all[4]).toMatchObject({ step: 'rate', outcome: 'warning', fix: expect.stringContaining('Poll less often') });
  });
});

describe('sources test says what to fix, and exits with 1', () => {
  const expectFailure = async (over: Record<string, string>, step: string, found: RegExp, fix: RegExp) => {
    const { exitCode, steps: all } = await steps(over);
    expect(exitCode).toBe(1);
    expect(all.filter(({ outcome }) => outcome === 'failed')).toEqual([
      {
        source: 'sentinelone',
        step,
        outcome: 'failed',
        found: expect.stringMatching(found),
        fix: expect.stringMatching(fix),
      },
    ]);
    expect(outcomes(all)).toMatch(new RegExp(`${step} failed(, [a-z-]+ skipped)*$`));
  };

  test('a URL that is none', () =>
    expectFailure({ SENTINELONE_URL: 'ftp://console' }, 'address', /has the scheme ftp/, /Write it as https:/));

  test('a URL of something else', () =>
    expectFailure(
      { SENTINELONE_URL: `${tenant.url}/app/login` },
      'address',
      /has the path \/app\/login/,
      /Write it as/,
    ));

  test('a port where nobody listens', async () =>
    expectFailure(
      { SENTINELONE_URL: `http://127.0.0.1:${await freePort()}` },
      'address',
      /does not answer: ECONNREFUSED/,
      /Nothing listens there, check the console URL/,
    ));

  test('a wrong token', () =>
    expectFailure(
      { SENTINELONE_API_TOKEN: 'another-token' },
      'token',
      /refused the API token with 401/,
      /Create a new token/,
    ));

  test('an expired token', () => {
    tenant.tokens.expire();
    return expectFailure({}, 'token', /refused the API token with 401/, /Create a new token/);
  });

  test('a Service User without the role Viewer', async () => {
    const front = await startFrontWithoutRole(tenant.url);
    await expectFailure(
      { SENTINELONE_URL: front },
      'permission',
      /does not have the role Viewer/,
      /Give the Service User the role Viewer/,
    );
  });

  test('a token of sites, with no site configured', async () => {
    tenant = await startTenant({ scope: { siteIds: ['222'] } });
    await expectFailure(
      {},
      'scope',
      /403 \(4030010/,
      /configure their ids \(SENTINELONE_SITE_IDS\)\. It may read 222 \(Lab\)/,
    );
    expect(outcomes((await steps({ SENTINELONE_SITE_IDS: '222' })).steps)).toMatch(/scope ok/);
  });

  test('a site that the token does not see', async () =>
    expectFailure(
      { SENTINELONE_SITE_IDS: '111,999' },
      'scope',
      /does not see 1 configured site: 999/,
      /111 \(Office\)/,
    ));

  test('a login page in the place of the console', () => {
    tenant.faults.script({ kind: 'html', times: 5 });
    return expectFailure({}, 'token', /HTML page/, /no proxy or login page answers in its place/);
  });

  test('for people, with a last line', async () => {
    const { exitCode, stdout } = await run({ SENTINELONE_API_TOKEN: 'another-token' });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/\n {2}failed {2}token .*401.*\n {22}fix: Create a new token/);
    expect(stdout).toMatch(/\n {2}skipped permission .*\n/);
    expect(stdout).toMatch(/It cannot be polled like this: fix what failed\.\n$/);
  });
});

describe('sources test of several consoles', () => {
  const sourcesFile = async (): Promise<Record<string, string>> => {
    const lab = await startTenant({ token: 'token-of-the-lab', fleet: 3 });
    await writeFile(join(folder.path, 'office.token'), TOKEN);
    await writeFile(join(folder.path, 'lab.token'), 'a-wrong-token');
    const file = join(folder.path, 'sources.yaml');
    await writeFile(
      file,
      `sources:\n  - {name: office, url: "${tenant.url}", tokenFile: office.token}\n  - {name: lab, url: "${lab.url}", tokenFile: lab.token}\n`,
    );
    return { STANCE_SOURCES_FILE: file, SENTINELONE_URL: '', SENTINELONE_API_TOKEN: '' };
  };

  test('tests each, or the one that is named', async () => {
    const over = await sourcesFile();
    const all = await run(over);
    expect(all.exitCode).toBe(1);
    expect(all.stdout).toMatch(/^office\n[^]*\nlab\n {2}ok {6}address [^]*\n {2}failed {2}token/);
    const one = await run(over, 'office');
    expect(one.exitCode).toBe(0);
    expect(one.stdout).not.toContain('lab');
  });

  test('a name that is none is wrong usage, with the one that may be meant', async () => {
    const { exitCode, stderr } = await run(await sourcesFile(), 'ofice');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/no source is called ofice.*office/);
  });

  test('intervals outside the bounds are told with the entry that has them', async () => {
    const file = join(folder.path, 'sources.yaml');
    await writeFile(file, `- {name: office, url: "${tenant.url}", token: t, pollInterval: 1ms}\n`);
    const over = { STANCE_SOURCES_FILE: file, SENTINELONE_URL: '', SENTINELONE_API_TOKEN: '' };
    const { exitCode, stderr } = await run(over);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${file}:1: SENTINELONE_POLL_INTERVAL must be from 40ms to 1h`);
  });

  test.each([
    ['freshnessStep: 25h', 'STANCE_FRESHNESS_STEP must be from 1s to 1d'],
    ['freshnessStep: 10ms', 'STANCE_FRESHNESS_STEP must be from 1s to 1d'],
    ['sweepInterval: 48h', 'SENTINELONE_SWEEP_INTERVAL must be from 1s to 1d'],
  ])('what the poller would refuse is not tested as if it were well: %s', async (field, problem) => {
    const file = join(folder.path, 'sources.yaml');
    await writeFile(file, `- {name: office, url: "${tenant.url}", token: ${TOKEN}, ${field}}\n`);
    const { exitCode, stdout, stderr } = await run({
      STANCE_SOURCES_FILE: file,
      SENTINELONE_URL: '',
      SENTINELONE_API_TOKEN: '',
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`${file}:1: ${problem}`);
  });

  test('a limit of the process that the poller would refuse is told, once', async () => {
    const { exitCode, stderr } = await run({ ...(await sourcesFile()), SENTINELONE_RETIREMENT_LIMIT: '0' });
    expect(exitCode).toBe(2);
    expect(stderr.match(/SENTINELONE_RETIREMENT_LIMIT must be a whole number from 1 to 100/g)).toHaveLength(1);
  });

  test('a single console besides is refused, as the poller does', async () => {
    const { exitCode, stderr } = await run({ ...(await sourcesFile()), SENTINELONE_SITE_IDS: '111' });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('SENTINELONE_SITE_IDS is set, and STANCE_SOURCES_FILE as well');
  });

  test('every problem of the file is told, with exit code 2', async () => {
    const file = join(folder.path, 'sources.yaml');
    await writeFile(file, 'sources:\n  - name: office\n    urls: x\n    token: t\n');
    const { exitCode, stderr } = await run({
      STANCE_SOURCES_FILE: file,
      SENTINELONE_URL: '',
      SENTINELONE_API_TOKEN: '',
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${file}:3:5: there is no field urls, did you mean url?`);
    expect(stderr).toContain(`${file}:2:5: url is missing`);
  });
});

test('sources test without a configured console says what is missing, with exit code 2', async () => {
  const { exitCode, stderr } = await stance(['sources', 'test'], { env: {} });
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/SENTINELONE_URL is not set[^]*SENTINELONE_API_TOKEN is not set/);
});

/** The tenant behind a front that answers for a Service User without any role. */
async function startFrontWithoutRole(behind: string): Promise<string> {
  const server: Server = createServer((request, response) => {
    if (request.url?.endsWith('/viewer-auth-check')) {
      response.end('{"data":{"success":false}}');
      return;
    }
    const headers = { authorization: request.headers.authorization ?? '' };
    fetch(new URL(request.url ?? '/', behind), { headers })
      .then(async (answer) => response.writeHead(answer.status).end(await answer.text()))
      .catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push({
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
