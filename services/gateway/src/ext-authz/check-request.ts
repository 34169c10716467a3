import { z } from 'zod';
import { parsePem } from '../identity/certificate/pem.js';
import type { Evidence } from '../identity/identity.js';

const entries = z.array(z.object({ key: z.string().default(''), value: z.string().default('') })).default([]);

/** What Envoy asks, as far as it is used (`CheckRequest`); whatever is not set is left out. */
export const checkRequest = z.object({
  attributes: z.object({
    source: z
      .object({
        address: z.object({ socketAddress: z.object({ address: z.string().optional() }).optional() }).optional(),
        /** PEM, percent-encoded; there with `include_peer_certificate`. */
        certificate: z.string().optional(),
      })
      .optional(),
    request: z
      .object({
        http: z
          .object({
            /** Those of the same name joined by commas. */
            headers: entries,
            /** In place of `headers`, with `encode_raw_headers`. */
            headerMap: z
              .object({
                headers: z
                  .array(
                    z.object({
                      key: z.string().default(''),
                      rawValue: z.instanceof(Uint8Array).default(new Uint8Array()),
                    }),
                  )
                  .default([]),
              })
              .optional(),
          })
          .optional(),
      })
      .optional(),
    /** Set by the route's configuration. */
    contextExtensions: entries,
  }),
});

export type CheckRequest = z.infer<typeof checkRequest>;
type Attributes = CheckRequest['attributes'];

/**
 * What a request shows of who sends it. Envoy says itself where the client connects from and which certificate it has; the
 * headers are the client's own, and prove no more than they would without Envoy: a token does, a name does not. The `replaced`
 * headers, in which other proxies say what Envoy says itself, are left out.
 *
 * Only where the route's configuration asserts that Envoy removes from requests what it does not set itself (`headers:
 * cleaned`), the headers count as Envoy's, as they do in forward-auth; then they alone count.
 */
export function evidenceOf({ attributes }: CheckRequest, replaced: ReadonlySet<string>): Evidence {
  const headers = headersOf(attributes);
  if (settingOf(attributes, 'headers') === 'cleaned') {
    return { rawHeaders: headers.flat(), peerAddress: undefined, isFromListedProxy: true };
  }
  const { address, certificate } = attributes.source ?? {};
  return {
    rawHeaders: headers.filter(([name]) => !replaced.has(name)).flat(),
    peerAddress: address?.socketAddress?.address,
    isFromListedProxy: false,
    ...(certificate && { connectionCertificate: derOf(certificate) }),
  };
}

/** The resource that the route's configuration names; nothing else does. */
export function resourceOf({ attributes }: CheckRequest): string | undefined {
  return settingOf(attributes, 'resource') || undefined;
}

/** One of the client's headers, by its name in lower case. */
export function headerOf({ attributes }: CheckRequest, name: string): string | undefined {
  return headersOf(attributes).find(([key]) => key === name)?.[1];
}

/** The names of the client's headers, in lower case. */
export function headerNamesOf({ attributes }: CheckRequest): string[] {
  return headersOf(attributes).map(([name]) => name);
}

function settingOf({ contextExtensions }: Attributes, name: string): string | undefined {
  return contextExtensions.find(({ key }) => key === name)?.value;
}

function headersOf({ request }: Attributes): [name: string, value: string][] {
  const { headers = [], headerMap } = request?.http ?? {};
  const raw = headerMap?.headers.map(({ key, rawValue }) => ({ key, value: Buffer.from(rawValue).toString('latin1') }));
  return [...headers, ...(raw ?? [])]
    .filter(({ key }) => !isPseudoHeader(key))
    .map(({ key, value }): [string, string] => [key, value]);
}

/** `:path` and its like, which no client sends as headers. */
function isPseudoHeader(name: string): boolean {
  return name.startsWith(':');
}

/** The certificate itself: Envoy gives that of the client, without those above it. */
function derOf(escapedPem: string): Uint8Array | undefined {
  return parsePem(decodeURIComponent(escapedPem))[0]?.raw;
}
