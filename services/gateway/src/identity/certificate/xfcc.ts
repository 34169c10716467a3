import { ProofRefused } from '../proof-refused.js';

/** What Envoy says of the client's certificate, by the names of the fields in lower case; as it was said, in turn. */
export type ForwardedCertificate = ReadonlyMap<string, readonly string[]>;

/** A value with a comma, a semicolon or an equals sign has to be quoted; in quotes, `\\` keeps what follows as it is. */
const FIELD = /([A-Za-z]{1,20})=(?:"((?:[^"\\]|\\.)*)"|([^",;=\\\s]*))(?=[;,]|$)/y;
/** Names of which a certificate can have several. */
const REPEATABLE = new Set(['uri', 'dns']);

/**
 * Reads `X-Forwarded-Client-Cert` for one certificate. Several are refused: which of them is the device's only the proxy's
 * configuration tells, and all but the last may be the client's own invention. Quoted values keep their escapes. Pure.
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

const ATTRIBUTE = /([A-Za-z][A-Za-z0-9.-]*|[0-9.]+)=((?:[^,+"\\<>;]|\\[0-9A-Fa-f]{2}|\\[^0-9A-Fa-f])*)(?=[,+]|$)/y;
const ESCAPED = /((?:\\[0-9A-Fa-f]{2})+)|\\(.)/g;

/** The common names in a subject as Envoy writes it (RFC 2253). Throws {@link ProofRefused}. Pure. */
export function commonNamesIn(subject: string): string[] {
  const names: string[] = [];
  const attribute = new RegExp(ATTRIBUTE);
  for (let at = 0; at <= subject.length; at = attribute.lastIndex + 1) {
    attribute.lastIndex = at;
    const [, type, value] = attribute.exec(subject) ?? [];
    if (type === undefined || value === undefined)
      throw new ProofRefused('The subject of the certificate is malformed.');
    if (type.toUpperCase() === 'CN' || type === '2.5.4.3') names.push(unescaped(value));
  }
  return names;
}

function unescaped(value: string): string {
  return value.replaceAll(ESCAPED, (_escape, bytes: string | undefined, character: string | undefined) =>
    bytes === undefined ? (character ?? '') : Buffer.from(bytes.replaceAll('\\', ''), 'hex').toString('utf8'),
  );
}
