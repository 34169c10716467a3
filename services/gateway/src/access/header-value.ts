/** A name as a header can carry it: bytes of UTF-8 where it has characters that none can have. A user's name from a token may. */
export function headerValue(text: string): string {
  return /[^\p{ASCII}\u0080-\u00ff]/u.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}
