import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { describe, expect } from '@jest/globals';
import type { Place } from './place.js';
import { CLAIMS, ORIGINS, STRIPPING_ORIGINS } from './tricks.js';

/** A test of one gateway. */
export type Check = (what: string, expectation: () => Promise<void>) => void;

const WAYS = [
  { way: 'beside the relay', path: '/page', addresses: 1 },
  { way: 'through the relay', path: '/live/page', addresses: 2 },
];

/** What the application hears of Stance and of where a request comes from is the gateway's own word, whatever the client says. */
export function ownWord(place: () => Place, check: Check): void {
  /** What reaches the application of an allowed device's request. A gateway may refuse one that is oddly written. */
  const reached = async (path: string, headers: Readonly<Record<string, string>>): Promise<Received[]> => {
    const { upstream, certificates } = place().around;
    const before = upstream.seen.length;
    const status = await place().visitor.statusOf({ path, headers, certificate: certificates.allowed });
    const received = upstream.seen.slice(before).map((seen) => asCgi(seen.headers));
    const isOdd = Object.keys(headers).some((name) => name.includes('_') || name === 'connection');
    if (isOdd && received.length === 0) expect([400, 403]).toContain(status);
    else expect({ headers, status, reached: received.length }).toEqual({ headers, status: 200, reached: 1 });
    return received;
  };

  describe.each(WAYS)('tells the application only its own word, $way,', ({ path, addresses }) => {
    check('where the client says nothing', async () => {
      const [received] = await reached(path, {});
      expect(received).toMatchObject({
        'x-stance-device': 'allowed',
        'x-stance-decision': expect.stringMatching(/^allow; policy=1; posture=\d+$/),
        'x-forwarded-proto': 'https',
      });
      // Envoy has an address of this machine for one of loopback, and leaves the host to Host.
      expect(received?.['x-forwarded-for']?.split(', ').map((address) => isIP(address))).toEqual(
        Array.from({ length: addresses }, () => 4),
      );
      expect(['wiki.example.com', undefined]).toContain(received?.['x-forwarded-host']);
    });

    check('where Connection names it', async () => {
      const [unclaimed] = await reached(path, {});
      for (const received of await reached(path, { connection: STRIPPING_ORIGINS })) {
        expect({ ...received, connection: '' }).toEqual({ ...unclaimed, connection: '' });
      }
    });

    for (const headers of [...CLAIMS, ...ORIGINS]) {
      check(`where the client sends ${Object.keys(headers)[0]} and the like`, async () => {
        const [unclaimed] = await reached(path, {});
        for (const received of await reached(path, headers)) expect(received).toEqual(unclaimed);
      });
    }
  });
}

type Received = Readonly<Record<string, string>>;

/** As CGI and WSGI have them: names that differ in `-` and `_` only are one, with the values of all. Without what is random. */
function asCgi(headers: IncomingHttpHeaders): Received {
  const read = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const folded = name.replaceAll('_', '-');
    const before = read.get(folded);
    read.set(folded, before === undefined ? String(value) : `${before}, ${String(value)}`);
  }
  read.delete('x-request-id');
  return Object.fromEntries(read);
}
