import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { waitFor } from '@stance/testing';

import { SERVICE_NAMES } from '../services.js';
import { ComposeProject, findCompose } from './compose.js';
import { Container, runToEnd } from './container.js';
import { docker, dockerSays, whyNotHere } from './docker.js';
import {
  billOfMaterials,
  CHECKOUT,
  prepareProduct,
  PRODUCT,
  removeMade,
  SIMULATED_TENANT,
  VERSION,
} from './product-image.js';
import { ContainerStack } from './container-stack.js';

const missing = await whyNotHere();
const compose = await findCompose();
const described = `the image${missing === undefined ? '' : ` (skipped: ${missing})`}`;

const MEBIBYTE = 1024 * 1024;
/** What docs/container.md promises. */
const MOST_BYTES = { image: 240 * MEBIBYTE, product: 30 * MEBIBYTE };
/** Milliseconds within which a service without work stops. */
const STOPS_WITHIN_MS = 10_000;

const UNREACHABLE = { NATS_URL: 'nats://127.0.0.1:4222' };

/** Runs JavaScript in the image, in place of its entry. */
const evaluate = (script: string, flags: readonly string[] = []) =>
  runToEnd(PRODUCT, ['--eval', script], { flags: ['--entrypoint', 'node', ...flags] });

(missing === undefined ? describe : describe.skip)(described, () => {
  beforeAll(prepareProduct, 480_000);
  afterAll(removeMade);

  describe('what it is', () => {
    const inspect = (format: string) => dockerSays(['image', 'inspect', '--format', format, PRODUCT]);
    let files: string[];
    beforeAll(async () => {
      const { stdout } = await evaluate(`
        const { readdirSync } = require('node:fs');
        const files = readdirSync('/app', { recursive: true, withFileTypes: true }).filter((each) => !each.isDirectory());
        process.stdout.write(files.map(({ parentPath, name }) => parentPath + '/' + name).join('\\n'));
      `);
      files = stdout.split('\n').map((file) => file.slice('/app/'.length));
    });

    it('runs as a user with a number, who is not root', async () => {
      expect(await inspect('{{.Config.User}}')).toBe('65532:65532');
      expect((await evaluate('process.stdout.write(String(process.getuid()))')).stdout).toBe('65532');
    });

    it('has no shell', async () => {
      for (const shell of ['/bin/sh', '/bin/bash', '/bin/busybox']) {
        const { exitCode, stderr } = await docker(['run', '--rm', '--entrypoint', shell, PRODUCT, '-c', 'true']);
        expect([exitCode, stderr]).toEqual([127, expect.stringContaining('no such file')]);
      }
    });

    it('lets nobody write to it, not even where its file system is writable', async () => {
      const write = `try { require('fs').writeFileSync('/app/x', ''); } catch (e) { process.stdout.write(e.code); }`;
      expect((await evaluate(write)).stdout).toBe('EROFS');
      expect((await docker(['run', '--rm', '--entrypoint', 'node', PRODUCT, '--eval', write])).stdout).toBe('EACCES');
    });

    it('has the packages that its bill of materials names, and no other', async () => {
      const manifests = files.filter((file) =>
        /(^|\/)((libs|services)\/[^/]+|node_modules\/(@[^/]+\/)?[^/]+)\/package\.json$/.test(file),
      );
      const { stdout } = await evaluate(`
        const { readFileSync } = require('node:fs');
        for (const file of ${JSON.stringify(manifests)}) {
          const { name, version } = JSON.parse(readFileSync('/app/' + file, 'utf8'));
          console.log(name + '@' + version);
        }
      `);
      const present = [...new Set(stdout.trim().split('\n'))];
      expect(present.toSorted()).toEqual((await billOfMaterials()).packages.toSorted());
      expect(present.filter((name) => /^(@stance\/cli|@nestjs\/core|zod)@/.test(name))).toHaveLength(3);
    });

    it('stands on the base and the Node that its bill of materials names', async () => {
      const { stdout } = await evaluate('process.stdout.write(process.versions.node)');
      const base = await inspect('{{index .Config.Labels "org.opencontainers.image.base.name"}}');
      expect((await billOfMaterials()).base).toEqual([`base:${base}`, `node@${stdout}`]);
    });

    it('has compiled output alone: no source, spec, source map, type, simulator, test or local stack', () => {
      const ours = files.filter((file) => !file.includes('node_modules/'));
      const known =
        /^(LICENSE|(stance|healthcheck)\.mjs|src\/(work|health-check)\.mjs|(libs|services)\/[^/]+\/(package\.json|(dist|bin)\/.+\.m?js))$/;
      expect(ours.filter((file) => !known.test(file) || file.includes('.spec.'))).toEqual([]);
      expect(ours.filter((file) => /^(libs\/(simulators|testing|nats-server)|deploy|test)\//.test(file))).toEqual([]);
      expect(files.filter((file) => /\.([cm]?ts|map)$/.test(file))).toEqual([]);
    });

    it('is as small as documented', async () => {
      const { stdout } = await evaluate(`
        const { lstatSync, readdirSync } = require('node:fs');
        const files = readdirSync('/app', { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
        const sizes = files.map(({ parentPath, name }) => lstatSync(parentPath + '/' + name).size);
        process.stdout.write(String(sizes.reduce((sum, size) => sum + size, 0)));
      `);
      expect(Number(stdout)).toBeLessThan(MOST_BYTES.product);
      expect(Number(await inspect('{{.Size}}'))).toBeLessThan(MOST_BYTES.image);
    });

    it('says what it is, and of which version', async () => {
      const labels = JSON.parse(await inspect('{{json .Config.Labels}}')) as Record<string, string>;
      expect(labels).toMatchObject({
        'org.opencontainers.image.title': 'Stance',
        'org.opencontainers.image.licenses': 'Apache-2.0',
      });
      expect(labels['org.opencontainers.image.version']).toMatch(VERSION);
    });
  });

  describe('what it runs', () => {
    it.each([
      ['nothing', [], {}, 'Nothing says what to run.'],
      ['a service that there is not', ['polcy-engine'], {}, 'There is no service or command "polcy-engine".'],
      ['one that STANCE_SERVICE misspells', [], { STANCE_SERVICE: 'audits' }, 'STANCE_SERVICE names no service'],
    ])('exits with 2 and lists the choices for %s', async (_, words, environment, problem) => {
      const { exitCode, stderr } = await runToEnd(PRODUCT, words, { environment });
      expect(exitCode).toBe(2);
      expect(stderr).toContain(problem);
      for (const service of [...SERVICE_NAMES, 'all']) expect(stderr).toContain(service);
    });

    it.each([...SERVICE_NAMES, 'all'])('exits with 2 and lists what %s is not told', async (service) => {
      const { exitCode, stderr } = await runToEnd(PRODUCT, [], { environment: { STANCE_SERVICE: service } });
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('- NATS_URL is not set')]);
    });

    it('is the stance command, too', async () => {
      for (const words of [
        ['topology', '--help'],
        ['stance', 'topology', '--help'],
      ]) {
        const { exitCode, stdout } = await runToEnd(PRODUCT, words);
        expect([exitCode, stdout]).toEqual([0, expect.stringContaining('apply')]);
      }
      expect((await runToEnd(PRODUCT, ['topology', 'aply'])).exitCode).toBe(2);
    });

    it('stops with 0 on SIGTERM while it waits for NATS', async () => {
      const service = await Container.start(PRODUCT, ['policy-engine'], { environment: UNREACHABLE });
      try {
        await service.logged(/"msg":"listening"/);
        const { exitCode, tookMs } = await service.stop(30);
        expect(exitCode).toBe(0);
        expect(tookMs).toBeLessThan(STOPS_WITHIN_MS);
      } finally {
        await service.remove();
      }
    });

    it('takes the gateway file of compose.yaml', async () => {
      const gateway = await Container.start(PRODUCT, ['gateway'], {
        environment: { ...UNREACHABLE, STANCE_GATEWAY_FILE: '/gateway.yaml' },
        mounts: { '/gateway.yaml': join(CHECKOUT, 'deploy/docker/compose/gateway.yaml') },
      });
      try {
        await expect(gateway.logged(/"msg":"listening"/)).resolves.toBeUndefined();
      } finally {
        await gateway.remove();
      }
    });
  });

  describe('one container for each service, with NATS and a console', () => {
    let stack: ContainerStack;
    beforeAll(async () => {
      stack = await ContainerStack.start(PRODUCT);
    }, 120_000);
    afterAll(() => stack?.close());

    it('becomes healthy, each service by its own health', async () => {
      await stack.healthy();
      expect(await stack.container('policy-engine').healthAnswers()).toContain('"ready":true');
    }, 90_000);

    it('ends what an infected device has open, and says so', async () => {
      const download = await stack.openDownload('laptop-1');
      // The gateway tells of a session after it has let it in.
      const opened = async () => {
        const sessions = await stack.sessions();
        return sessions.length > 0 && sessions;
      };
      const [session] = await waitFor(opened, { what: 'the session to be told of', intervalMs: 200 });
      expect(session).toMatchObject({ deviceId: 'laptop-1', resource: 'payroll', state: 'open' });
      stack.tenant.fleet.infect(stack.tenant.fleet.find('SER-1').id);
      await expect(download.ended).resolves.toBe('cut');
      const { reasons, ...end } = await stack.endOf(session?.sessionId ?? '');
      expect(end).toMatchObject({ state: 'revoked', enforcement: 'cut' });
      expect(reasons?.map(({ attribute }) => attribute)).toContain('sentinelOne:infected');
      expect(await stack.asks('laptop-1', 'payroll')).toBe(403);
      const { exitCode, stdout } = await stack.command(['audit', 'verify']);
      expect([exitCode, stdout]).toEqual([0, expect.stringContaining('intact')]);
    }, 60_000);

    it('stops with 0 on SIGTERM, service by service, in time', async () => {
      for (const { name, exitCode, tookMs } of await stack.stopServices()) {
        expect({ name, exitCode }).toEqual({ name, exitCode: 0 });
        expect(tookMs).toBeLessThan(STOPS_WITHIN_MS);
      }
    }, 60_000);
  });

  const lacking =
    compose === undefined ? 'Docker Compose' : SIMULATED_TENANT === '' ? 'STANCE_TEST_SIMULATED_TENANT' : '';
  const skipped = lacking === '' ? '' : ` (skipped: there is no ${lacking})`;
  (skipped === '' ? describe : describe.skip)(`compose.yaml${skipped}`, () => {
    let project: ComposeProject;
    beforeAll(async () => {
      project = await ComposeProject.up(compose ?? []);
    }, 180_000);
    afterAll(() => project?.down(), 60_000);

    it('brings up everything from accounts to gateway, and refuses a device once the simulated tenant has it infected', async () => {
      await project.answers(200, 'laptop-0001', 'payroll');
      await project.command(['simulate', 'infect', 'laptop-0001', '--tenant', 'http://127.0.0.1:8080']);
      await project.answers(403, 'laptop-0001', 'payroll');
      expect(await project.command(['audit', 'verify'])).toContain('intact');
    }, 240_000);
  });
});
