import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { issueDeviceCertificates, temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';
import { z } from 'zod';
import type { Admission } from '../access/access.js';
import { Denials } from '../access/denials.js';
import { parseGatewayFile } from '../file/gateway-file.js';
import { createProver } from '../identity/create-prover.js';
import type { Evidence, Identity } from '../identity/identity.js';
import { ListenFailed } from '../listen.js';
import { ProofTimedOut } from '../prove-in-time.js';
import { authorizationService } from './authorization-service.js';
import { ExtAuthzServer, StrangerConnected, type ExtAuthzServerOptions } from './ext-authz-server.js';

const PROVED: Identity = { outcome: 'proved', deviceId: 'laptop-1', proof: 'certificate' };
const ASKER = { deviceId: 'laptop-1', user: 'anna@example.org', resource: 'wiki', proof: 'certificate' } as const;
const VERDICT = {
  effect: 'allow',
  allowed: true,
  enforced: true,
  reasons: [],
  revisions: { posture: 7, policy: 3 },
} as const;
const ADMITTED: Admission = { outcome: 'admitted', asker: ASKER, grantId: 's1', verdict: VERDICT };
const DENIED: Admission = {
  outcome: 'denied',
  asker: ASKER,
  reasons: [{ code: 'condition-false', message: 'This machine is infected.' }],
};

let folder: TemporaryFolder;
const cleanups: (() => unknown)[] = [];
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await folder.remove();
});

const fileOf = (more: string) =>
  parseGatewayFile(`name: edge\n${more || 'trustedProxies: [127.0.0.1]\ndevice: { header: {} }'}`, folder.path);

/** A server on a free port whose devices are proved and admitted unless told otherwise. */
async function serve(overrides: Partial<ExtAuthzServerOptions> = {}, file = '') {
  const seen: Evidence[] = [];
  const errors: unknown[] = [];
  const denials = new Denials('edge');
  const admit = jest.fn<ExtAuthzServerOptions['access']['admit']>(() => ADMITTED);
  const server = new ExtAuthzServer({
    file: fileOf(file),
    grpc: { host: '127.0.0.1', port: 0 },
    prover: {
      prove: (evidence) => {
        seen.push(evidence);
        return PROVED;
      },
    },
    access: { admit },
    denials,
    onError: (error) => void errors.push(error),
    ...overrides,
  });
  await server.start();
  cleanups.push(() => server.close());
  const address = server.address ?? '';
  const client = new Client(address, credentials.createInsecure());
  cleanups.push(() => client.close());
  return { server, address, client, seen, errors, denials, admit };
}

const overwritten = z.array(
  z.object({ header: z.object({ key: z.string(), value: z.string() }), appendAction: z.literal(2) }),
);
const checkResponse = z.object({
  status: z.object({ code: z.int().default(0) }),
  okResponse: z.object({ headers: overwritten, headersToRemove: z.array(z.string()) }).optional(),
  deniedResponse: z.object({ status: z.object({ code: z.int() }), headers: overwritten, body: z.string() }).optional(),
});

/** What a client asks; `headers` as Envoy has them, by name. */
interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly raw?: readonly (readonly [string, string])[];
  readonly settings?: Readonly<Record<string, string>>;
  readonly source?: object;
}

const entriesOf = (record: Readonly<Record<string, string>> = {}) =>
  Object.entries(record).map(([key, value]) => ({ key, value }));

function messageOf({ headers, raw, settings = { resource: 'wiki' }, source }: Asked): object {
  const headerMap = raw && { headers: raw.map(([key, value]) => ({ key, rawValue: Buffer.from(value) })) };
  return {
    attributes: {
      ...(source && { source }),
      request: { http: { headers: entriesOf(headers), ...(headerMap && { headerMap }) } },
      contextExtensions: entriesOf(settings),
    },
  };
}

function call(client: Client, message: object, deadlineMs = 5_000) {
  const { Check: method } = authorizationService;
  if (method === undefined) throw new Error('there is no Check');
  const answered = Promise.withResolvers<z.infer<typeof checkResponse>>();
  const sent = client.makeUnaryRequest<object, unknown>(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    message,
    { deadline: Date.now() + deadlineMs },
    (error: ServiceError | null, response?: unknown) =>
      error === null ? answered.resolve(checkResponse.parse(response)) : answered.reject(error),
  );
  return { sent, answer: answered.promise };
}

/** The answer as the upstream, or the client, gets to see it. */
async function ask(client: Client, asked: Asked = {}) {
  const { status: told, okResponse, deniedResponse } = await call(client, messageOf(asked)).answer;
  const headers = (okResponse ?? deniedResponse)?.headers ?? [];
  return {
    code: told.code,
    http: deniedResponse?.status.code,
    headers: Object.fromEntries(headers.map(({ header: { key, value } }) => [key, value])),
    removed: okResponse?.headersToRemove ?? [],
    body: deniedResponse?.body ?? '',
  };
}

describe('Check', () => {
  test('lets an allowed request through and tells the upstream as whom', async () => {
    const { client, admit } = await serve();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    expect(await ask(client, { headers: { ':path': '/', traceparent } })).toEqual({
      code: status.OK,
      http: undefined,
      headers: {
        'x-stance-device': 'laptop-1',
        'x-stance-user': 'anna@example.org',
        'x-stance-decision': 'allow; policy=3; posture=7',
      },
      removed: ['x-stance-warning', 'x-stance-resource'],
      body: '',
    });
    expect(admit).toHaveBeenCalledWith(PROVED, 'wiki', {
      enforcement: 'next-request',
      traceparent: expect.any(Function),
    });
    expect(admit.mock.lastCall?.[2].traceparent?.()).toBe(traceparent);
  });

  test('takes out of the request whatever else looks like a word of Stance, or proved something to it', async () => {
    const anonymous: Admission = { ...ADMITTED, asker: { deviceId: 'laptop-1', resource: 'wiki', proof: 'token' } };
    const { client } = await serve(
      { access: { admit: () => anonymous } },
      'trustedProxies: [127.0.0.1]\ndevice: { header: {}, token: { issuer: i, audience: a, jwks: k } }',
    );
    const { removed } = await ask(client, {
      headers: {
        'x-stance-user': 'eve@example.org',
        x_stance_device: 'laptop-2',
        'x-stance-anything': '1',
        'x-device-token': 'secret',
        cookie: 'a=b',
      },
    });
    expect(new Set(removed)).toEqual(
      new Set([
        'x-stance-user',
        'x-stance-warning',
        'x-stance-resource',
        'x_stance_device',
        'x-stance-anything',
        'x-device-token',
      ]),
    );
  });

  test('warns with the number of a page about it', async () => {
    const warned = {
      ...VERDICT,
      effect: 'warn',
      until: '2026-11-30T00:00:00Z',
      reasons: [{ code: 'attribute-stale', message: 'Not seen for 3 days.' }],
    } as const;
    const { client, denials } = await serve({ access: { admit: () => ({ ...ADMITTED, verdict: warned }) } });
    const { headers, removed } = await ask(client);
    expect(denials.get(headers['x-stance-warning'] ?? '')).toMatchObject({ effect: 'warn', resource: 'wiki' });
    expect(removed).not.toContain('x-stance-warning');
  });

  test.each([
    ['text/html,*/*;q=0.8', 'text/html; charset=utf-8', '<!doctype html>'],
    ['application/json', 'application/json', '{"effect":"deny"'],
    [undefined, 'application/json', '{"effect":"deny"'],
  ])('denies in the way of who accepts %s', async (accept, type, body) => {
    const { client, denials } = await serve({ access: { admit: () => DENIED } });
    const reply = await ask(client, { headers: accept === undefined ? {} : { accept } });
    expect(reply).toMatchObject({ code: status.PERMISSION_DENIED, http: 403, headers: { 'content-type': type } });
    expect(reply.body.startsWith(body)).toBe(true);
    const denialId = reply.headers['x-stance-denial'] ?? '';
    expect(reply.body).toContain(denialId);
    expect(denials.get(denialId)).toMatchObject({ deviceId: 'laptop-1', resource: 'wiki' });
  });

  test('answers 401 to who proves no device', async () => {
    const unproved: Admission = {
      outcome: 'unproved',
      asker: {},
      reasons: [{ code: 'identity-missing', message: 'The request proves no device.' }],
    };
    const { client } = await serve({ access: { admit: () => unproved } });
    expect(await ask(client)).toMatchObject({
      code: status.UNAUTHENTICATED,
      http: 401,
      headers: { 'www-authenticate': 'Stance' },
    });
  });

  test('takes the resource from the configuration of the route alone', async () => {
    const { client, admit } = await serve();
    const headers = { resource: 'payroll', 'x-resource': 'payroll', ':path': '/authorize/payroll' };
    await ask(client, { headers, settings: {} });
    await ask(client, { headers, settings: { resource: '' } });
    await ask(client, { headers, settings: { resource: 'payroll' } });
    expect(admit.mock.calls.map(([, resource]) => resource)).toEqual([undefined, undefined, 'payroll']);
  });
});

describe('what counts as evidence', () => {
  test("is the client's own connection as Envoy saw it, and headers that are the client's", async () => {
    const certificates = issueDeviceCertificates(['laptop-1']);
    const { certificate, der } = certificates.of('laptop-1');
    const { client, seen } = await serve();
    await ask(client, {
      headers: { ':method': 'GET', authorization: 'Bearer x', 'x-stance-device': 'laptop-2' },
      source: { address: { socketAddress: { address: '192.0.2.7' } }, certificate: encodeURIComponent(certificate) },
    });
    expect(seen).toEqual([
      {
        rawHeaders: ['authorization', 'Bearer x', 'x-stance-device', 'laptop-2'],
        peerAddress: '192.0.2.7',
        isFromListedProxy: false,
        connectionCertificate: expect.any(Uint8Array),
      },
    ]);
    expect(Buffer.compare(Buffer.from(seen[0]?.connectionCertificate ?? []), der)).toBe(0);
  });

  test('has every header of a list, as often as it came', async () => {
    const { client, seen } = await serve();
    const raw = [
      ['x-a', '1'],
      ['x-a', ''],
    ] as const;
    await ask(client, { raw });
    expect(seen[0]?.rawHeaders).toEqual(['x-a', '1', 'x-a', '']);
  });

  test("is Envoy's word in the headers only where the route says that they are cleaned", async () => {
    const { client, seen } = await serve();
    const asked = { headers: { 'x-stance-device': 'laptop-1' }, source: { certificate: 'x' } };
    for (const headers of ['clean', 'Cleaned', '']) {
      expect(await ask(client, { ...asked, source: {}, settings: { resource: 'wiki', headers } })).toMatchObject({
        code: status.OK,
      });
    }
    await ask(client, { ...asked, settings: { resource: 'wiki', headers: 'cleaned' } });
    expect(seen.map(({ isFromListedProxy }) => isFromListedProxy)).toEqual([false, false, false, true]);
    expect(seen.at(-1)).toEqual({
      rawHeaders: ['x-stance-device', 'laptop-1'],
      peerAddress: undefined,
      isFromListedProxy: true,
    });
  });

  test('leaves out the headers in which other proxies say what Envoy says itself', async () => {
    const { client, seen } = await serve(
      {},
      `trustedProxies: [127.0.0.1]
inventory: inventory.yaml
device:
  certificate: { ca: ca.pem, header: { format: xfcc } }
  address: { header: X-Forwarded-For }`,
    );
    const headers = { 'x-forwarded-client-cert': 'By=x', 'x-forwarded-for': '192.0.2.1', 'x-other': '1' };
    await ask(client, { headers });
    await ask(client, { headers: { x_forwarded_for: '192.0.2.1' } });
    expect(seen.map(({ rawHeaders }) => rawHeaders)).toEqual([
      ['x-other', '1'],
      ['x_forwarded_for', '192.0.2.1'],
    ]);
  });

  test('proves a device with a certificate of its authority, and refuses what the client says itself', async () => {
    const certificates = issueDeviceCertificates(['laptop-1']);
    await writeFile(join(folder.path, 'ca.pem'), certificates.ca);
    const text = `trustedProxies: [127.0.0.1]
device:
  certificate: { ca: ca.pem, header: { format: xfcc } }
  header: {}`;
    const prover = await createProver(fileOf(text), { onTrouble: () => undefined });
    cleanups.push(() => prover.close());
    const proved: Identity[] = [];
    const admit: ExtAuthzServerOptions['access']['admit'] = (identity) => {
      proved.push(identity);
      if (identity.outcome === 'proved') return ADMITTED;
      return { outcome: identity.outcome === 'refused' ? 'denied' : 'unproved', asker: {}, reasons: identity.reasons };
    };
    const { client } = await serve({ prover, access: { admit } }, text);
    const sourceOf = (pem: string) => ({ certificate: encodeURIComponent(pem) });
    const own = sourceOf(certificates.of('laptop-1').certificate);
    const forged = { 'x-forwarded-client-cert': `Cert="${own.certificate}"` };
    expect(await ask(client, { source: own })).toMatchObject({ code: status.OK });
    expect(proved[0]).toMatchObject({ outcome: 'proved', deviceId: 'laptop-1', proof: 'certificate' });
    const strange = sourceOf(certificates.wrongAuthority('laptop-1').certificate);
    expect(await ask(client, { source: strange })).toMatchObject({ http: 403 });
    expect(await ask(client, { headers: forged })).toMatchObject({ http: 401 });
    expect(await ask(client, { headers: { 'x-stance-device': 'laptop-1' } })).toMatchObject({ http: 403 });
    expect(await ask(client, { source: own, headers: { 'x-stance-user': 'eve' } })).toMatchObject({ http: 403 });
  });
});

describe('whatever goes wrong denies', () => {
  const broken = () => {
    throw new Error('broken');
  };
  test.each<[string, Partial<ExtAuthzServerOptions>, Asked]>([
    ['the proof', { prover: { prove: broken } }, {}],
    ['a proof in the background', { prover: { prove: () => Promise.reject(new Error('broken')) } }, {}],
    ['the decision', { access: { admit: broken } }, {}],
    ['a certificate that is none', {}, { source: { certificate: 'nonsense' } }],
    ['a certificate in the wrong escapes', {}, { source: { certificate: '%zz' } }],
  ])('%s', async (_, overrides, asked) => {
    const { client, errors } = await serve(overrides);
    const reply = await ask(client, asked);
    expect(reply).toMatchObject({ code: status.PERMISSION_DENIED, http: 403 });
    expect(JSON.parse(reply.body)).toMatchObject({ reasons: [{ code: 'evaluation-error' }] });
    expect(errors).toHaveLength(1);
  });

  test('a proof that takes too long', async () => {
    const never = { prove: () => new Promise<Identity>(() => undefined) };
    const { client, errors, admit } = await serve({ prover: never, proofTimeoutMs: 20 });
    expect(await ask(client)).toMatchObject({ http: 403 });
    expect(errors).toEqual([expect.any(ProofTimedOut)]);
    expect(admit).not.toHaveBeenCalled();
  });

  test('a request without attributes', async () => {
    const { client, admit } = await serve();
    expect(await call(client, {}).answer).toMatchObject({ status: { code: status.PERMISSION_DENIED } });
    expect(admit).not.toHaveBeenCalled();
  });

  test('a failure to write the denial down', async () => {
    const denials = { record: broken, recordWarning: broken };
    const { client } = await serve({ access: { admit: () => DENIED }, denials });
    await expect(ask(client)).rejects.toMatchObject({ code: status.INTERNAL });
  });

  test('a request that is too large, or no such message', async () => {
    const { client, admit } = await serve();
    await expect(ask(client, { headers: { cookie: 'a'.repeat(70_000) } })).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    });
    const { Check: method } = authorizationService;
    const garbled = new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        method?.path ?? '',
        () => Buffer.from([0x0a, 0xff]),
        (bytes) => bytes,
        {},
        (error, response) => (error === null ? resolve(response) : reject(error)),
      );
    });
    await expect(garbled).rejects.toMatchObject({ code: expect.any(Number) });
    expect(admit).not.toHaveBeenCalled();
  });

  test('a request that Envoy does not wait for: no session is opened', async () => {
    const proof = Promise.withResolvers<Identity>();
    const prove = jest.fn(() => proof.promise);
    const { client, admit, denials } = await serve({ prover: { prove } });
    const record = jest.spyOn(denials, 'record');
    const { sent, answer } = call(client, messageOf({}));
    await waitFor(() => prove.mock.calls.length === 1, { what: 'it is to be proved' });
    sent.cancel();
    await expect(answer).rejects.toMatchObject({ code: status.CANCELLED });
    // What is sent on the same connection afterwards is heard after the cancellation.
    const second = call(client, messageOf({}));
    await waitFor(() => prove.mock.calls.length === 2, { what: 'the other is to be proved' });
    proof.resolve(PROVED);
    expect(await second.answer).toMatchObject({ status: { code: status.OK } });
    expect(admit).toHaveBeenCalledTimes(1);
    expect(record).toHaveBeenCalledTimes(1);
  });
});

describe('a server', () => {
  test('talks to listed proxies only, and tells of others once', async () => {
    const { client, address, errors, admit } = await serve(
      {},
      'trustedProxies: [192.0.2.0/24]\ndevice: { header: {} }',
    );
    await expect(ask(client)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    const socket = connect(Number(address.split(':').at(-1)), '127.0.0.1');
    await once(socket.resume(), 'close');
    expect(admit).not.toHaveBeenCalled();
    expect(errors).toEqual([expect.any(StrangerConnected)]);
  });

  test('that is closed ends what it has', async () => {
    const prove = jest.fn(() => new Promise<Identity>(() => undefined));
    const { server, client } = await serve({ prover: { prove } });
    const { answer } = call(client, messageOf({}));
    const ended = answer.catch(({ code }: ServiceError) => code);
    await waitFor(() => prove.mock.calls.length === 1, { what: 'it is to be proved' });
    await server.close();
    expect([status.CANCELLED, status.UNAVAILABLE]).toContain(await ended);
    expect(server.address).toBeUndefined();
  });

  test('says what to do where it cannot listen', async () => {
    const { address } = await serve();
    const again = serve({ grpc: { host: '127.0.0.1', port: Number(address.split(':').at(-1)) } });
    await expect(again).rejects.toThrow(/is in use by another process: name another one under grpc/);
    await expect(again).rejects.toBeInstanceOf(ListenFailed);
  });
});
