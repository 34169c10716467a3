import { readFileSync } from 'node:fs';
import { Authorities } from './authorities.js';
import { NotPem, parsePem } from './pem.js';

/** The CAs of a file (PEM), read once. Throws {@link NotPem}. */
export function readAuthorities(path: string): Authorities {
  const certificates = parsePem(textOf(path), { comments: true });
  const stranger = certificates.find(({ ca }) => !ca);
  if (stranger === undefined) return new Authorities(certificates);
  throw new NotPem(
    `${path} holds the certificate of ${stranger.subject.replaceAll('\n', ', ')}, which is no authority`,
  );
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new NotPem(`cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
