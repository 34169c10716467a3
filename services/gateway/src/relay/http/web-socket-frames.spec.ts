import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { closeFrame, FrameCursor } from './web-socket-frames.js';

interface Frame {
  readonly opcode: number;
  readonly length: number;
  readonly isMasked?: boolean;
  readonly isLast?: boolean;
}

/** The bytes of a frame; the payload is of 0xff, which would be a wild header if it were taken for one. */
function bytesOf({ opcode, length, isMasked = false, isLast = true }: Frame): Buffer {
  const mask = isMasked ? 0x80 : 0;
  let field: Buffer;
  if (length < 126) field = Buffer.of(mask | length);
  else if (length < 65_536) field = Buffer.of(mask | 126, length >> 8, length & 0xff);
  else {
    field = Buffer.alloc(9, 0);
    field[0] = mask | 127;
    field.writeUInt32BE(length, 5);
  }
  const first = Buffer.of((isLast ? 0x80 : 0) | opcode);
  return Buffer.concat([first, field, Buffer.alloc(length + (isMasked ? 4 : 0), 0xff)]);
}

/** Whether the cursor is between frames after the first n bytes, for every n. */
function boundariesOf(stream: Buffer): number[] {
  const cursor = new FrameCursor();
  const found = cursor.isBetweenFrames ? [0] : [];
  for (const [at, byte] of stream.entries()) {
    cursor.push(Uint8Array.of(byte));
    if (cursor.isBetweenFrames) found.push(at + 1);
  }
  return found;
}

describe('a frame may be put in', () => {
  test.each<[string, Frame[]]>([
    ['before and after an empty frame', [{ opcode: 1, length: 0 }]],
    ['around the largest short frame', [{ opcode: 2, length: 125 }]],
    ['around the smallest frame of two length bytes', [{ opcode: 2, length: 126 }]],
    ['around the largest frame of two length bytes', [{ opcode: 2, length: 65_535 }]],
    ['around the smallest frame of eight length bytes', [{ opcode: 2, length: 65_536 }]],
    ['around masked frames', [0, 5, 126, 65_536].map((length) => ({ opcode: 2, length, isMasked: true }))],
    [
      'between the fragments of a message, and around a ping there',
      [
        { opcode: 1, length: 3, isLast: false },
        { opcode: 9, length: 4 },
        { opcode: 0, length: 0, isLast: false },
        { opcode: 0, length: 300 },
      ],
    ],
  ])('%s, and nowhere else', (_what, frames) => {
    const parts = frames.map(bytesOf);
    const ends = parts.map((_part, index) => Buffer.concat(parts.slice(0, index + 1)).length);
    expect(boundariesOf(Buffer.concat(parts))).toEqual([0, ...ends]);
  });

  test('wherever the stream is split', () => {
    const frame = fc.record({
      opcode: fc.constantFrom(0, 1, 2, 9, 10),
      length: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constantFrom(125, 126, 65_535, 65_536)),
      isMasked: fc.boolean(),
      isLast: fc.boolean(),
    });
    const cuts = fc.array(fc.nat(), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 5 }), cuts, (frames, places) => {
        const stream = Buffer.concat(frames.map(bytesOf));
        const ends = new Set([0]);
        for (const [index] of frames.entries()) ends.add(Buffer.concat(frames.slice(0, index + 1).map(bytesOf)).length);
        const splits = [...places.map((place) => place % (stream.length + 1)), stream.length].toSorted((a, b) => a - b);
        const cursor = new FrameCursor();
        let at = 0;
        for (const split of splits) {
          cursor.push(stream.subarray(at, split));
          at = split;
          expect(cursor.isBetweenFrames).toBe(ends.has(at));
        }
      }),
      { numRuns: 200 },
    );
  });

  test('never again after a Close', () => {
    const cursor = new FrameCursor();
    cursor.push(bytesOf({ opcode: 8, length: 2 }));
    expect(cursor.isBetweenFrames).toBe(false);
  });

  test('never in a frame longer than a number can say', () => {
    const cursor = new FrameCursor();
    cursor.push(Buffer.of(0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
    cursor.push(Buffer.alloc(1_000_000));
    expect(cursor.isBetweenFrames).toBe(false);
  });
});

describe('a Close frame', () => {
  const reasonIn = (frame: Buffer) => new TextDecoder('utf-8', { fatal: true }).decode(frame.subarray(4));

  test('has a code and a reason', () => {
    expect(closeFrame(1008, 'Infected.')).toEqual(Buffer.from('\x88\x0b\x03\xf0Infected.', 'latin1'));
  });

  test.each([
    ['none', '', ''],
    ['one that just fits', 'x'.repeat(123), 'x'.repeat(123)],
    ['one that is too long', 'x'.repeat(124), 'x'.repeat(123)],
    ['letters of two bytes, of which the last would be cut in half', 'ä'.repeat(62), 'ä'.repeat(61)],
    ['letters of four bytes', '🔒'.repeat(40), '🔒'.repeat(30)],
    ['half a letter', '\ud83d', '\ufffd'],
  ])('takes of a reason what has room as whole letters: %s', (_what, reason, kept) => {
    const frame = closeFrame(1008, reason);
    expect(reasonIn(frame)).toBe(kept);
    expect(frame[1]).toBe(frame.length - 2);
    expect(frame.length).toBeLessThanOrEqual(127);
  });
});
