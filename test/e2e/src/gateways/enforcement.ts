import { once } from 'node:events';
import { Agent } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findGateway, waitFor, type GatewayName } from '@stance/testing';
import { ownWord } from './own-word.js';
import { Place, type GatewayUnderTest } from './place.js';
import type { Surroundings } from './surroundings.js';
import { CERTIFICATE_HEADERS, CLAIMS, HEADER_TRICKS, METHODS, PATH_TRICKS, STRIPPING } from './tricks.js';
import type { Asking } from './visitor.js';

type Device = keyof Surroundings['certificates'];

/** What a real gateway on its deployed configuration does for Stance; skipped where the machine has no such gateway. */
export async function enforcement(
  name: GatewayName,
  title: string,
  gatewayUnderTest: (binary: string) => GatewayUnderTest,
): Promise<void> {
  const binary = await findGateway(name);
  const variable = `STANCE_TEST_${name.toUpperCase()}`;
  const skipped = binary === undefined ? ` (skipped: no ${name} on PATH, and ${variable} names none)` : '';
  (binary === undefined ? describe.skip : describe)(`${title}${skipped}`, () => {
    let place: Place;
    beforeAll(async () => {
      place = await Place.open(gatewayUnderTest(binary ?? ''));
    }, 60_000);
    afterAll(() => place?.close());

    /** A test that shows the logs of both sides when it fails. */
    const check = (what: string, expectation: () => Promise<void>, limitMs?: number) => {
      const expectWithLogs = () => place.explain(expectation);
      test.each([what])('%s', () => expectWithLogs(), limitMs);
    };
    const ask = (device: Device, asking: Asking = {}) =>
      place.visitor.ask({ certificate: place.around.certificates[device], ...asking });
    /** The status that keeps it from the application; without a device, without a certificate. */
    const keptOut = async (device: Device | undefined, asking: Asking = {}) => {
      const { upstream, certificates } = place.around;
      const before = upstream.seen.length;
      const certificate = device && certificates[device];
      const status = await place.visitor.statusOf({ ...(certificate && { certificate }), ...asking });
      expect({ asking, reached: upstream.seen.slice(before) }).toMatchObject({ reached: [] });
      return status;
    };

    describe('lets in', () => {
      check('an allowed device, which the application is told of', async () => {
        const { status, body } = await ask('allowed', { path: '/page?a=1' });
        expect([status, body]).toEqual([200, 'the wiki']);
        const decision = expect.stringMatching(/^allow; policy=1; posture=/);
        expect(place.around.upstream.last).toMatchObject({
          path: '/page?a=1',
          headers: { 'x-stance-device': 'allowed', 'x-stance-decision': decision },
        });
        const { headers } = place.around.upstream.last ?? {};
        // Nothing proves a user here.
        expect([headers?.['x-stance-user'] ?? '', headers?.['x-stance-warning'] ?? '']).toEqual(['', '']);
      });

      check('a device that is only warned, and tells the application where that can be read', async () => {
        expect(await ask('warned')).toMatchObject({ status: 200 });
        expect(place.around.upstream.last?.headers).toMatchObject({
          'x-stance-device': 'warned',
          'x-stance-decision': expect.stringMatching(/^warn; /),
          'x-stance-warning': expect.stringMatching(/^[\w-]+$/),
        });
      });

      check('a device whose certificate an intermediate authority issued', async () => {
        expect(await ask('chained')).toMatchObject({ status: 200 });
        expect(place.around.upstream.last?.headers).toMatchObject({ 'x-stance-device': 'allowed' });
      });

      check('with method and body as they were sent', async () => {
        const body = 'x'.repeat(100_000);
        await ask('allowed', { method: 'POST', path: '/save', body });
        expect(place.around.upstream.last).toMatchObject({ method: 'POST', path: '/save', body });
      });

      check('and keeps the certificate from the application', async () => {
        await ask('allowed');
        const names = Object.keys(place.around.upstream.last?.headers ?? {});
        expect(names.filter((header) => /ssl|tls|client-cert/.test(header))).toEqual([]);
      });

      check('on connections that take up a TLS session', async () => {
        const agent = new Agent({ keepAlive: false, maxCachedSessions: 10 });
        const answers = [await ask('allowed', { agent }), await ask('allowed', { agent })];
        expect(answers.map(({ status }) => status)).toEqual([200, 200]);
        expect(place.around.upstream.last?.headers).toMatchObject({ 'x-stance-device': 'allowed' });
      });
    });

    describe('denies', () => {
      check('a person on a denied device with a page that says why, with an id', async () => {
        const { status, headers, body } = await ask('denied', { headers: { accept: 'text/html' } });
        expect([status, headers['content-type']]).toEqual([403, expect.stringContaining('text/html')]);
        expect(body).toContain('This machine is infected.');
        expect(body).toContain(headers['x-stance-denial'] ?? 'an id in X-Stance-Denial');
      });

      check('a program on a denied device with JSON', async () => {
        const asking = { method: 'POST', body: 'something', headers: { accept: 'application/json' } };
        const { status, headers, body } = await ask('denied', asking);
        expect([status, JSON.parse(body)]).toMatchObject([
          403,
          {
            denialId: headers['x-stance-denial'],
            reasons: [{ code: 'condition-false', message: 'This machine is infected.' }],
          },
        ]);
      });

      check('who has no certificate, with 401 and a page', async () => {
        const { status, body } = await place.visitor.ask({ headers: { accept: 'text/html' } });
        expect([status, body]).toEqual([401, expect.stringContaining('</html>')]);
      });

      for (const device of ['otherAuthority', 'expired'] as const) {
        check(`a certificate that is ${device}`, async () => {
          expect([400, 401, 403, 'refused']).toContain(await keptOut(device));
        });
      }

      check('whatever the method', async () => {
        for (const method of METHODS) expect(await keptOut('denied', { method })).toBeGreaterThanOrEqual(400);
      });
    });

    describe('believes nothing that a client says:', () => {
      for (const headers of CLAIMS) {
        check(`that it is another device, by ${Object.keys(headers)[0]}`, async () => {
          expect(await keptOut(undefined, { headers })).toBeGreaterThanOrEqual(400);
          expect(await keptOut('denied', { headers })).toBeGreaterThanOrEqual(400);
        });
      }

      for (const header of CERTIFICATE_HEADERS) {
        check(`that its certificate stands in ${header}`, async () => {
          for (const value of forms(place.around.certificates.allowed)) {
            const headers = { [header]: value };
            expect([400, 401, 403]).toContain(await keptOut(undefined, { headers }));
            expect([400, 401, 403]).toContain(await keptOut('denied', { headers }));
          }
        });
      }

      check('that headers of the proxy are to be left out on the way', async () => {
        const headers = { connection: STRIPPING };
        const { seen } = place.around.upstream;
        const before = seen.length;
        await place.visitor.statusOf({ certificate: place.around.certificates.allowed, headers });
        for (const reached of seen.slice(before)) expect(reached.headers['x-stance-device']).toBe('allowed');
        expect(await keptOut('denied', { headers })).toBeGreaterThanOrEqual(400);
      });

      for (const path of PATH_TRICKS) {
        check(`that it wants another resource, by ${path}`, async () => {
          expect(await keptOut('denied', { path })).toBeGreaterThanOrEqual(400);
        });
      }

      for (const headers of HEADER_TRICKS) {
        check(`that it wants another resource, by ${Object.keys(headers).join(' and ')}`, async () => {
          expect(await keptOut('denied', { headers })).toBe(403);
        });
      }
    });

    ownWord(() => place, check);

    describe('ends access', () => {
      check('with the next request after a revocation', async () => {
        expect((await ask('revoked')).status).toBe(200);
        await place.around.stance.revoke('revoked', 'wiki');
        await waitFor(async () => (await ask('revoked')).status === 403, { what: 'the next request to be denied' });
      });

      check('of an open WebSocket through the relay at once', async () => {
        const certificate = place.around.certificates.watching;
        const { status, socket } = await place.visitor.openWebSocket({ path: '/live/feed', certificate });
        expect(status).toBe(101);
        const closed = once(socket, 'close');
        await place.around.stance.revoke('watching', 'wiki');
        await closed;
        const { webSockets } = place.around.upstream;
        await waitFor(() => webSockets.size === 0, { what: 'the application to lose the WebSocket' });
      });

      check('at the relay before it begins, for a denied device', async () => {
        expect(await keptOut('denied', { path: '/live/feed' })).toBe(403);
        expect(await keptOut(undefined, { path: '/live/feed' })).toBe(401);
      });
    });

    describe('keeps everybody out', () => {
      const answerIn45s = 45_000;
      check(
        'while Stance does not answer',
        async () => {
          place.around.stance.pause();
          try {
            expect(await keptOut('allowed')).toBeGreaterThanOrEqual(500);
          } finally {
            place.around.stance.resume();
          }
        },
        answerIn45s,
      );

      check('while Stance is down, until it is back', async () => {
        await place.around.stance.kill();
        expect(await keptOut('allowed')).toBeGreaterThanOrEqual(500);
        await place.around.stance.run();
        await waitFor(async () => (await ask('allowed')).status === 200, { what: 'access to be back' });
      });
    });
  });
}

/** A certificate in every form that a header could have it in. */
function forms({ certificate, der }: Surroundings['certificates'][Device]): string[] {
  const escaped = encodeURIComponent(certificate);
  const uri = 'URI=urn:stance:device:allowed';
  return [escaped, der.toString('base64'), `Cert="${escaped}";${uri}`, `By=x;${uri}`];
}
