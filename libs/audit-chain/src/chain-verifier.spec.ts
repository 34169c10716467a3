import { describe, expect, it } from '@jest/globals';
import { AUDIT_GENESIS_HASH, NO_DEVICE } from '@stance/contracts';
import { CHAIN_START, linkTo, type AuditRecord, type ChainEnd, type RecordContent } from './chain.js';
import { verifyChain } from './chain-verifier.js';

function fact(sequence: number, stream = 'STANCE_POSTURE'): RecordContent {
  return { kind: 'event', stream, device: 'd1', sequence, payload: `fact ${sequence}`, encoding: 'utf8' };
}

/** Facts that were gone before audit saw them; without `lastMissing`, with the stream they were in. */
function gap(sequence: number, lastMissing?: number): RecordContent {
  const missing = lastMissing === undefined ? {} : { lastMissing };
  return { kind: 'gap', stream: 'STANCE_POSTURE', device: NO_DEVICE, sequence, ...missing };
}

function chainOf(...contents: RecordContent[]): AuditRecord[] {
  let end: ChainEnd = CHAIN_START;
  return contents.map((content) => {
    const record = linkTo(end, content);
    end = record;
    return record;
  });
}

const whole = chainOf(fact(1), fact(2), fact(1, 'STANCE_DEVICES'), gap(3, 9), fact(10));

/** The chain with one record taken out, and the others as they are. */
const without = (index: number): AuditRecord[] => whole.toSpliced(index, 1);
const at = (index: number): AuditRecord => whole[index] ?? linkTo(CHAIN_START, fact(1));

describe('verifying a chain', () => {
  it('finds a chain of facts and gaps whole', () => {
    expect(verifyChain(whole)).toEqual({ records: 5, gaps: 1, lastHash: whole.at(-1)?.hash });
  });

  it('finds an empty chain whole', () => {
    expect(verifyChain([])).toEqual({ records: 0, gaps: 0, lastHash: AUDIT_GENESIS_HASH });
  });

  it('lets the sequences of a stream that was made anew start over', () => {
    expect(verifyChain(chainOf(fact(1), fact(2), gap(3), fact(1), fact(2))).firstBad).toBeUndefined();
  });

  it.each<[string, AuditRecord[], number, RegExp]>([
    ['an altered payload', whole.with(1, { ...at(1), payload: 'another' }), 2, /hash does not fit its content/],
    ['an altered hash', whole.with(1, { ...at(1), hash: 'f'.repeat(64) }), 2, /hash does not fit its content/],
    ['a deleted record', without(2), 4, /position 3 missing before it/],
    ['several deleted records', whole.toSpliced(1, 2), 4, /position 2 to 3 missing/],
    ['a deleted first record', without(0), 2, /position 1 missing/],
    ['two records in the wrong order', [at(0), at(2), at(1)], 3, /position 2 missing/],
    ['a record that comes again', [at(0), at(1), at(1)], 2, /position 2 comes after position 2/],
    [
      'a record replaced by one with a hash of its own',
      whole.with(1, linkTo(at(0), { ...fact(2), payload: 'forged' })),
      3,
      /previous hash is not the hash of the record before/,
    ],
    ['a fact recorded twice', chainOf(fact(1), fact(1)), 2, /records STANCE_POSTURE 1, but 2 was next/],
    ['a fact left out', chainOf(fact(1), fact(3)), 2, /records STANCE_POSTURE 3, but 2 was next/],
    ['a stream recorded from its middle', chainOf(fact(4)), 1, /records STANCE_POSTURE 4, but 1 was next/],
  ])('names the first bad record: %s', (_, chain, position, problem) => {
    expect(verifyChain(chain).firstBad).toEqual({ position, problem: expect.stringMatching(problem) });
  });

  it('counts the records that fit, up to the first that does not', () => {
    expect(verifyChain(without(2))).toMatchObject({ records: 2, gaps: 0, lastHash: at(1).hash });
  });
});
