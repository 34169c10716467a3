/**
 * NKeys as text: a prefix that makes the first letter, the key, and a CRC-16 of both, in base32 without padding
 * (https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth, nkeys' strkey.go).
 */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const CHECKSUM_BYTES = 2;

export function encodeNkey(prefix: number, key: Uint8Array): string {
  const bytes = Buffer.concat([Buffer.of(prefix), key, Buffer.alloc(CHECKSUM_BYTES)]);
  const end = bytes.length - CHECKSUM_BYTES;
  bytes.writeUInt16LE(crc16(bytes.subarray(0, end)), end);
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

/** What a seed says, which has to be one: whose kind of key it is, by the prefix of the public one, and its 32 bytes. */
export function decodeSeed(seed: string): { readonly prefix: number; readonly key: Buffer } {
  const bits = [...seed].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const bytes = Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));
  // Five bits say that it is a seed, the next eight of what.
  return { prefix: (bytes.readUInt16BE() >> 3) & 0xff, key: bytes.subarray(2, -CHECKSUM_BYTES) };
}

/** CRC-16/XMODEM. */
function crc16(bytes: Uint8Array): number {
  let remainder = 0;
  for (const byte of bytes) {
    remainder ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) {
      remainder = (remainder << 1) ^ ((remainder & 0x8000) === 0 ? 0 : 0x1021);
      remainder &= 0xffff;
    }
  }
  return remainder;
}
