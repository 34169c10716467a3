import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import type { Denial } from '@stance/contracts';
import { denialAnswer, deniedAnswer, jsonAnswer, writeAnswer } from './denial-answer.js';

const denial: Denial = {
  denialId: '642a4e3b-d5a4-46d3-b886-3ad841c258dd',
  gateway: 'edge',
  effect: 'deny',
  deviceId: 'laptop-1',
  resource: 'wiki',
  reasons: [{ code: 'condition-false', message: 'Clean this machine: ünterwegs.' }],
  deniedAt: '2026-01-05T10:00:00.000Z',
};

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

describe('the answer to whoever is not let in', () => {
  test.each([
    ['denied', 403],
    ['unproved', 401],
  ] as const)('is JSON for programs: %s, %d', (outcome, status) => {
    const answer = denialAnswer(denial, outcome, '*/*');
    expect(answer).toMatchObject({
      status,
      headers: {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'x-stance-denial': denial.denialId,
      },
    });
    expect(answer.headers['www-authenticate']).toBe(outcome === 'unproved' ? 'Stance' : undefined);
    expect(JSON.parse(answer.body)).toEqual({ effect: 'deny', reasons: denial.reasons, denialId: denial.denialId });
  });

  test('is a page for people, which may load nothing and run nothing', () => {
    const { status, headers, body } = denialAnswer(denial, 'denied', BROWSER);
    expect([status, headers['content-type'], headers['x-stance-denial']]).toEqual([
      403,
      'text/html; charset=utf-8',
      denial.denialId,
    ]);
    expect(body).toContain('Clean this machine: ünterwegs.');
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(body) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
  });

  test.each([
    [undefined, false],
    ['', false],
    ['*/*', false],
    ['application/json', false],
    ['Text/HTML', true],
    ['application/json, text/html;q=0.1', true],
    ['text/html;q=0, application/json', false],
    ['text/html; level=1', true],
    ['application/text/html', false],
  ])('to Accept %s is a page: %s', (accept, isPage) => {
    const { headers } = denialAnswer(denial, 'denied', accept);
    expect(headers['content-type']?.startsWith('text/html')).toBe(isPage);
  });
});

describe('the answer to /denied/<id>', () => {
  test.each([
    ['GET', denial, '*/*', 200, 'application/json'],
    ['HEAD', denial, BROWSER, 200, 'text/html; charset=utf-8'],
    ['GET', undefined, BROWSER, 404, 'application/json'],
    ['POST', denial, BROWSER, 405, 'application/json'],
  ])('%s of %j for %s is %d, %s', (method, known, accept, status, type) => {
    const answer = deniedAnswer(method, known, accept);
    expect([answer.status, answer.headers['content-type']]).toEqual([status, type]);
  });

  test('is the whole denial for programs', () => {
    expect(JSON.parse(deniedAnswer('GET', denial, undefined).body)).toEqual(denial);
  });
});

test.each(['GET', 'HEAD'])(
  'an answer to %s is sent with its length in bytes, beside headers that are set already',
  async (method) => {
    const server = createServer((_, response) => {
      response.setHeader('connection', 'close');
      writeAnswer(response, jsonAnswer(404, { error: 'ü' }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const reply = await fetch(`http://127.0.0.1:${port}`, { method });
    expect([reply.status, reply.headers.get('content-length'), reply.headers.get('connection')]).toEqual([
      404,
      '14',
      'close',
    ]);
    expect(await reply.text()).toBe(method === 'GET' ? '{"error":"ü"}' : '');
    server.close();
  },
);
