import { atLeast, deviceProof } from '@stance/contracts';
import { z } from 'zod';
import { headerName, type FilePath } from './fields.js';

/** Where the keys of an issuer are: the address of its key set (JWKS, RFC 7517), or a file. */
const keySet = (file: FilePath) =>
  z
    .string()
    .check(atLeast(1))
    .transform((text, context): URL | string => {
      if (!/^[a-z]+:\/\//i.test(text)) return file.parse(text);
      const url = URL.canParse(text) ? new URL(text) : undefined;
      if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url))) return url;
      const message = "must be a file or an https address: keys that come over plain http could be anybody's";
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    });

/** What a token has to be: signed with a key of the issuer, for this audience, not expired. */
const tokenFields = (file: FilePath) => ({
  issuer: z.string().check(atLeast(1)),
  audience: z.string().check(atLeast(1)),
  jwks: keySet(file),
  /** Asymmetric ones only: with a shared secret whoever checks could also sign. */
  algorithms: z
    .array(
      z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']),
    )
    .check(atLeast(1))
    .default(['RS256', 'PS256', 'ES256', 'EdDSA']),
});

/** How a client certificate says which device it is of. */
const certificateId = z.enum(['uri', 'cn', 'serial', 'fingerprint']);

/**
 * `xfcc`: Envoy's `X-Forwarded-Client-Cert`; `pem`: PEM, percent-encoded, as nginx's `$ssl_client_escaped_cert`; `der`:
 * base64 of DER, as HAProxy's `%[ssl_c_der,base64]`, Caddy's `certificate_der_base64` and Traefik's `passTLSClientCert`.
 */
const certificateFormat = z.enum(['xfcc', 'pem', 'der']);

/** The proofs of the device that count. Whatever of them a request carries has to agree; the strongest is what it is proved by. */
export const deviceProofs = (file: FilePath) =>
  z
    .strictObject(
      {
        certificate: z
          .strictObject({
            /** The CAs that issue certificates to devices (PEM). Without it only a proxy's word can be taken (`xfcc`). */
            ca: file.optional(),
            /** `uri`: a URI in the SAN; `cn`: the common name; `serial` or `fingerprint` (SHA-256): looked up in `inventory`. */
            id: certificateId.default('uri'),
            /** What stands before the device id in the URI. */
            uriPrefix: z.string().check(atLeast(1)).default('urn:stance:device:'),
            /** From a listed proxy that ends the TLS; left out, only certificates of the gateway's own connections count. */
            header: z
              .strictObject({ name: headerName.prefault('X-Forwarded-Client-Cert'), format: certificateFormat })
              .optional(),
          })
          .optional(),
        token: z
          .strictObject({
            ...tokenFields(file),
            claim: z.string().check(atLeast(1)).default('device_id'),
            header: headerName.prefault('X-Device-Token'),
          })
          .optional(),
        /** A header from a listed proxy, and what that proxy has of the device when it sets it. */
        header: z
          .strictObject({ name: headerName.prefault('X-Stance-Device'), proof: deviceProof.default('address') })
          .optional(),
        /** The client's address, looked up in `inventory`; of a proxied request, from a header of the listed proxy. */
        address: z.strictObject({ header: headerName.optional() }).optional(),
      },
      {
        error: ({ input }) => (input === undefined ? 'is missing: it says how a device proves itself' : undefined),
      },
    )
    .refine((proofs) => Object.values(proofs).some((proof) => proof !== undefined), {
      message: 'names no proof: nobody could prove a device',
    })
    .refine(
      ({ certificate }) => certificate?.header?.format === 'xfcc' || !certificate || certificate.ca !== undefined,
      {
        path: ['certificate', 'ca'],
        message: 'is missing: without the CAs of the devices any certificate would do',
      },
    );

/** The proofs of the user that count; like those of the device they have to agree. */
export const userProofs = (file: FilePath) =>
  z.strictObject({
    /** `Bearer` is left out of the value where it stands before the token. */
    token: z
      .strictObject({
        ...tokenFields(file),
        claim: z.string().check(atLeast(1)).default('email'),
        header: headerName.prefault('Authorization'),
      })
      .optional(),
    /** A header from a listed proxy. */
    header: z.strictObject({ name: headerName.prefault('X-Stance-User') }).optional(),
  });

export type DeviceProofs = z.infer<ReturnType<typeof deviceProofs>>;
export type UserProofs = z.infer<ReturnType<typeof userProofs>>;
export type CertificateProof = NonNullable<DeviceProofs['certificate']>;
export type TokenProof = NonNullable<DeviceProofs['token']>;
export type CertificateFormat = z.infer<typeof certificateFormat>;

function isLoopback({ hostname }: URL): boolean {
  return ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}
