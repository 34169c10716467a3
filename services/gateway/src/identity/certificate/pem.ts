import { X509Certificate } from 'node:crypto';

const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

/** Thrown for text that is no certificates in PEM. */
export class NotPem extends Error {
  override readonly name = 'NotPem';
}

/**
 * The certificates of a text that holds nothing else, in their order, at least one. Lines that begin with `#` and texts
 * between certificates are left out where `comments` are taken. Throws {@link NotPem}.
 */
export function parsePem(text: string, { comments = false } = {}): X509Certificate[] {
  const between = text.replaceAll(BLOCK, '').trim();
  if (between.includes('-----') || (between !== '' && !comments)) {
    throw new NotPem('holds something else than certificates');
  }
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0) throw new NotPem('holds no certificate (PEM)');
  return blocks.map(([, base64 = ''], index) => {
    try {
      return new X509Certificate(Buffer.from(base64, 'base64'));
    } catch (error) {
      throw new NotPem(`holds something that is no certificate at place ${index + 1}`, { cause: error });
    }
  });
}
