import { ProofRefused } from '../proof-refused.js';

/** What Envoy says of the client's certificate, by the names of the fields in lower case; as it was said, in turn. */
export type ForwardedCertificate = ReadonlyMap<string, readonly string[]>;

/** A value with a comma, a semicolon or an equals sign has to be quoted; in quotes, `\\` keeps what follows as it is. */
const FIELD = /([A-Za-z]{1,20})=(?:"((?:[^"\\]|\\.)*)"|([^",;=\\\s]*))(?=[;,]|$)/y;
/** Names of which a certificate, the client's or the proxy's own (`By`), can have several. */
const REPEATABLE = new Set(['by', 'uri', 'dns']);

/**
 * Reads `X-Forwarded-Client-Cert` for one certificate. Several are refused: which of them is the device's only the proxy's
 * configuration tells, and all but the last may be the client's own invention. Quoted values keep their escapes. Envoy quotes
 * neither URIs nor DNS names, which can hold `;` and `=`: what they say, and whatever stands after them, may be invented. Pure.
 * Throws {@link ProofRefused}. Source: Envoy, HTTP header manipulation, x-forwarded-client-cert.
 */
export function parseXfcc(text: string): ForwardedCertificate {
  const fields = new Map<string, string[]>();
  const field = new RegExp(FIELD);
  for (let at = 0; at <= text.length; at += 1) {
    field.lastIndex = at;
    const [, name, quoted, plain = ''] = field.exec(text) ?? [];
    if (name === undefined) throw new ProofRefused('The header with the certificate is malformed.');
    add(fields, name.toLowerCase(), quoted ?? plain);
    at = field.lastIndex;
    if (text[at] === ',') {
      throw new ProofRefused('The header has several certificates: have the proxy overwrite it (Envoy: SANITIZE_SET).');
    }
  }
  return fields;
}

function add(fields: Map<string, string[]>, name: string, value: string): void {
  const values = fields.get(name);
  if (values === undefined) fields.set(name, [value]);
  else if (REPEATABLE.has(name)) values.push(value);
  else throw new ProofRefused(`The header with the certificate says ${name} twice.`);
}
