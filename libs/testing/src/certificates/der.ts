/** Writes DER (X.690), as far as certificates need it: whatever a certificate of a test has to hold, well-formed or hostile. */

const TAGS = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** An element by its tag's number. */
function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

export const sequence = (...members: readonly Uint8Array[]): Buffer => element(TAGS.sequence, ...members);
export const set = (...members: readonly Uint8Array[]): Buffer => element(TAGS.set, ...members);
export const octetString = (content: Uint8Array): Buffer => element(TAGS.octetString, content);
export const utf8String = (text: string): Buffer => element(TAGS.utf8String, Buffer.from(text));
export const yes = element(TAGS.boolean, Buffer.from([0xff]));

/** A bit string of whole bytes, or one whose last bits are unused. */
export const bitString = (content: Uint8Array, unusedBits = 0): Buffer =>
  element(TAGS.bitString, Buffer.from([unusedBits]), content);

/** A positive integer from hex digits. */
export function integer(hex: string): Buffer {
  const digits = hex.length % 2 === 0 ? hex : `0${hex}`;
  const bytes = Buffer.from(digits, 'hex');
  const isNegative = (bytes[0] ?? 0) >= 0x80;
  return element(TAGS.integer, isNegative ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** An object identifier as in `2.5.29.17`. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(TAGS.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** A time, in whole seconds. */
export function generalizedTime(at: Date): Buffer {
  const text = at.toISOString().replace(/\.\d+/, '').replaceAll(/[-:T]/g, '');
  return element(TAGS.generalizedTime, Buffer.from(text));
}

/** An element that the context gives a number, with other elements in it. */
export const tagged = (number: number, ...contents: readonly Uint8Array[]): Buffer =>
  element(0xa0 + number, ...contents);

/** An element that the context gives a number, with bytes in it. */
export const taggedBytes = (number: number, content: Uint8Array): Buffer => element(0x80 + number, content);

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.from([0x80 + bytes.length]), bytes]);
}

function base128(value: number): number[] {
  const septets = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) septets.unshift((rest & 0x7f) | 0x80);
  return septets;
}
