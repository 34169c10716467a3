import { expect, test } from '@jest/globals';
import { standingOf, type Reader, type StreamPosition } from './stream-position.js';

const reader: Reader = { created: 'monday', seen: { sequence: 10, storedAt: 1_000 }, mark: undefined };
const position: StreamPosition = {
  created: 'monday',
  lastSequence: 12,
  lastOfFilter: { sequence: 10, storedAt: 1_000 },
  atMark: undefined,
};

test.each<[string, Partial<Reader>, Partial<StreamPosition>, string]>([
  ['has read the last message of its filter', {}, {}, 'reached'],
  ['has read a message that has expired since', {}, { lastOfFilter: { sequence: 7, storedAt: 700 } }, 'reached'],
  ['finds nothing in its filter', { seen: undefined }, { lastOfFilter: undefined }, 'reached'],
  ['has read nothing yet', { seen: undefined }, {}, 'short'],
  ['has more to read', {}, { lastOfFilter: { sequence: 11, storedAt: 1_100 } }, 'short'],
  ['finds the stream created anew', {}, { created: 'tuesday' }, 'recreated'],
  ['finds the stream end before what it has read', {}, { lastSequence: 9 }, 'rewound'],
  ['finds another message in its place', {}, { lastOfFilter: { sequence: 10, storedAt: 2_000 } }, 'rewound'],
  ['finds a rounded time', {}, { lastOfFilter: { sequence: 10, storedAt: 1_001 } }, 'reached'],
  [
    'finds another message where it was before the link was lost',
    { mark: { sequence: 8, storedAt: 800 } },
    { atMark: { sequence: 8, storedAt: 999 } },
    'rewound',
  ],
  ['finds its old place gone', { mark: { sequence: 8, storedAt: 800 } }, {}, 'reached'],
])('a reader that %s', (_case, known, answer, standing) => {
  expect(standingOf({ ...reader, ...known }, { ...position, ...answer })).toBe(standing);
});
