import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationInvalid, type Running } from '@stance/service-kit';
import { PATIENCE_MS, temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';
import { startPollingWorld, type PollingWorld, type Source } from './fixtures/polling-world.js';
import { pollersOf, startPollers } from './pollers.js';

let world: PollingWorld;
let folder: TemporaryFolder;
const running: Running[] = [];
beforeAll(async () => {
  world = await startPollingWorld();
  folder = await temporaryFolder();
});
afterEach(async () => {
  await Promise.allSettled(running.splice(0).map((pollers) => pollers.stop()));
});
afterAll(async () => {
  await world.close();
  await folder.remove();
});

/** A file of consoles, with a file for each token. */
async function fileOf(sources: readonly (readonly [Source, string])[]): Promise<string> {
  const entries = await Promise.all(
    sources.map(async ([source, token]) => {
      await writeFile(join(folder.path, `${source.name}.token`), token);
      return { name: source.name, url: source.tenant.url, tokenFile: `${source.name}.token`, pollInterval: '60ms' };
    }),
  );
  const path = join(folder.path, `${sources.map(([{ name }]) => name).join('-')}.json`);
  await writeFile(path, JSON.stringify({ sources: entries }));
  return path;
}

async function start(file: string) {
  const environment = {
    NATS_URL: world.nats.url,
    STANCE_HTTP_PORT: '0',
    LOG_LEVEL: 'silent',
    STANCE_SOURCES_FILE: file,
  };
  const pollers = await startPollers(environment);
  running.push(pollers);
  return pollers;
}

const stateOf = async (source: Source) => (await source.reports()).at(-1)?.data.state;
const untilState = (source: Source, state: string, timeoutMs = PATIENCE_MS) =>
  waitFor(async () => (await stateOf(source)) === state, { what: `${source.name} to be ${state}`, timeoutMs });

describe('several consoles', () => {
  it('are read by one process side by side, each under its name, with its own token and scope', async () => {
    const [one, two] = [await world.source(3), await world.source(4)];
    one.tenant.tokens.replace('token-of-one');
    two.tenant.tokens.replace('token-of-two');
    const pollers = await start(
      await fileOf([
        [one, 'token-of-one'],
        [two, 'token-of-two'],
      ]),
    );
    await waitFor(async () => (await one.observations()).length === 3, { what: 'the agents of the first' });
    await waitFor(async () => (await two.observations()).length === 4, { what: 'the agents of the second' });
    const response = await fetch(`${String('url' in pollers ? pollers.url : '')}/readyz`);
    expect(await response.json()).toMatchObject({
      ready: true,
      details: {
        [`sentinelone-poller.${one.name}`]: { state: 'active', details: { source: { source: one.name } } },
        [`sentinelone-poller.${two.name}`]: { state: 'active', details: { source: { source: two.name } } },
      },
    });
  });

  it('are no concern of each other: neither a refused token nor a console that is down', async () => {
    const [good, refused, down] = [await world.source(3), await world.source(3), await world.source(3)];
    good.tenant.tokens.replace('good');
    down.tenant.tokens.replace('down');
    const tokens = [
      [good, 'good'],
      [refused, 'wrong'],
      [down, 'down'],
    ] as const;
    down.tenant.faults.script({ kind: 'html', status: 200, times: 100_000 });
    const startedAt = performance.now();
    await start(await fileOf(tokens));
    await Promise.all([untilState(good, 'ok'), untilState(refused, 'paused'), untilState(down, 'degraded')]);
    await waitFor(async () => (await good.observations()).length === 3, { what: 'the agents of the good one' });
    good.tenant.fleet.infect(good.tenant.fleet.list()[0]?.id ?? '');
    await waitFor(async () => (await good.observations()).length === 4, { what: 'a change of the good one' });
    expect(await stateOf(good)).toBe('ok');
    // A token that is renewed is read without a restart.
    await writeFile(join(folder.path, `${refused.name}.token`), refused.tenant.token);
    await untilState(refused, 'ok');
    down.tenant.faults.clear();
    // Each of its pauses is twice the one before: the next attempt is made after as long as it was down.
    await untilState(down, 'ok', performance.now() - startedAt + PATIENCE_MS);
  });
});

describe('a file of consoles', () => {
  const problemsOf = (environment: NodeJS.ProcessEnv) => {
    try {
      pollersOf(environment);
    } catch (error) {
      if (error instanceof ConfigurationInvalid) return error.problems;
      throw error;
    }
    return [];
  };

  it('is instead of the settings of a single console', async () => {
    const file = await fileOf([[await world.source(1), 'one']]);
    const common = { NATS_URL: 'nats://localhost', STANCE_SOURCES_FILE: file };
    expect(problemsOf({ ...common, SENTINELONE_SWEEP_INTERVAL: '5m' })).toEqual([]);
    expect(
      problemsOf({ ...common, SENTINELONE_URL: 'tenant.sentinelone.net', SENTINELONE_API_TOKEN_FILE: 'x' }),
    ).toEqual([
      'SENTINELONE_URL is set, and STANCE_SOURCES_FILE as well: put the console into the file, or unset the file',
      'SENTINELONE_API_TOKEN_FILE is set, and STANCE_SOURCES_FILE as well: put the console into the file, or unset the file',
    ]);
  });

  it('is told of by its lines, and so is what a console of it is given', async () => {
    const path = join(folder.path, 'wrong.yaml');
    await writeFile(path, 'sources:\n  - name: one\n    url: tenant.sentinelone.net\n');
    expect(problemsOf({ STANCE_SOURCES_FILE: path })).toEqual([expect.stringContaining(`${path}:2:`)]);
    expect(problemsOf({ STANCE_SOURCES_FILE: join(folder.path, 'none.yaml') })).toEqual([
      expect.stringContaining('cannot be read'),
    ]);
    const slow = join(folder.path, 'slow.yaml');
    await writeFile(join(folder.path, 'token'), 'token');
    const entry = '  - name: one\n    url: tenant.sentinelone.net\n    tokenFile: token\n    pollInterval: 5h\n';
    await writeFile(slow, `sources:\n${entry}`);
    expect(problemsOf({ NATS_URL: 'nats://localhost', STANCE_SOURCES_FILE: slow })).toEqual([
      expect.stringContaining(`${slow}:2: SENTINELONE_POLL_INTERVAL must be from 40ms to 1h`),
    ]);
  });

  it('that is not given leaves the single console', () => {
    expect(pollersOf({ STANCE_SOURCES_FILE: '' }).map(({ name }) => name)).toEqual(['sentinelone-poller']);
  });
});
