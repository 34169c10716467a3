import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, describe, expect, it } from '@jest/globals';

import { askHealth, healthUrl } from './health-check.mjs';

const commandLine = (...words: string[]): string => words.map((word) => `${word}\0`).join('');
const entry = ['node', '/app/stance.mjs'];

describe('where a container is asked for its health', () => {
  it.each([
    ['the service of the arguments', [...entry, 'policy-engine'], {}, 'http://127.0.0.1:9104/readyz'],
    ['behind an init', ['/sbin/docker-init', '--', ...entry, 'audit'], {}, 'http://127.0.0.1:9105/readyz'],
    ['the service of STANCE_SERVICE', entry, { STANCE_SERVICE: 'gateway' }, 'http://127.0.0.1:9107/readyz'],
    ['another entry', ['node', 'x.js'], { STANCE_SERVICE: 'all' }, 'http://127.0.0.1:9100/readyz'],
    ['STANCE_HTTP_PORT', [...entry, 'audit'], { STANCE_HTTP_PORT: '8080' }, 'http://127.0.0.1:8080/readyz'],
    ['all addresses', [...entry, 'audit'], { STANCE_HTTP_HOST: '0.0.0.0' }, 'http://127.0.0.1:9105/readyz'],
    ['all addresses of both kinds', [...entry, 'audit'], { STANCE_HTTP_HOST: '::' }, 'http://[::1]:9105/readyz'],
    ['one address', [...entry, 'audit'], { STANCE_HTTP_HOST: 'fd00::7' }, 'http://[fd00::7]:9105/readyz'],
  ])('is right for %s', (_, words, environment, url) => {
    expect(healthUrl(commandLine(...words), environment, '/readyz')?.href).toBe(url);
  });

  it('is nowhere while a command runs', () => {
    expect(healthUrl(commandLine(...entry, 'topology', 'apply'), {}, '/readyz')).toBeUndefined();
  });

  it('cannot be known of a port that the system chooses, or of what runs nothing', () => {
    expect(() => healthUrl(commandLine(...entry, 'audit'), { STANCE_HTTP_PORT: '0' }, '/readyz')).toThrow(/is 0/);
    expect(() => healthUrl(commandLine('node', 'x.js'), {}, '/readyz')).toThrow(/Nothing says what to run/);
  });
});

describe('the health of a container', () => {
  const ends: (() => void)[] = [];
  afterEach(() => ends.splice(0).forEach((end) => end()));

  const answering = (status: number, body: string): Promise<URL> =>
    new Promise((resolve) => {
      const server = createServer((_, response) => void response.writeHead(status).end(body));
      ends.push(() => server.close());
      server.listen(0, '127.0.0.1', () =>
        resolve(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)),
      );
    });

  it.each([
    [200, '{"ready":true}', true],
    [503, '{"ready":false}', false],
  ])('is what the service answers: %s', async (status, body, healthy) => {
    expect(await askHealth(await answering(status, body))).toEqual({ healthy, said: body });
  });

  it('is bad where nobody answers', async () => {
    const url = await answering(200, '');
    ends.splice(0).forEach((end) => end());
    expect(await askHealth(url)).toEqual({ healthy: false, said: expect.stringContaining('ECONNREFUSED') });
  });
});
