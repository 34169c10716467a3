import { describe, expect, it } from '@jest/globals';
import type { Hardware } from '@stance/contracts';
import { cpuMsOf } from '@stance/testing';
import { contest, type Claimant } from './contest.js';
import { IdentityReader } from './identity.js';

const reader = new IdentityReader();
const MAC = '3c:22:fb:00:11:22';
const UUID = '4c4c4544-0044-3510-8052-b4c04f4d3132';
const DAY = 86_400_000;

const claimant = (id: string, hardware: Hardware, rest: Partial<Claimant> = {}): Claimant => ({
  id,
  identity: reader.identityOf({ serialNumber: 'ABC-1234', ...hardware }),
  by: 'serial',
  withdrawn: 'no',
  clean: true,
  registeredAt: 0,
  lastSeenAt: 30 * DAY,
  ...rest,
});

/** The outcome as one word for each. */
function outcome(...claimants: Claimant[]): Record<string, string> {
  const forwards = contest(claimants);
  // Who is asked first decides nothing.
  expect(contest(claimants.toReversed())).toEqual(forwards);
  return Object.fromEntries(
    [...forwards].map(([id, standing]) => [id, 'problem' in standing ? standing.problem : standing.state]),
  );
}

describe('several agents in service', () => {
  it('are one machine with the same UUID, and all count', () => {
    expect(outcome(claimant('a', { uuid: UUID }), claimant('b', { uuid: UUID }))).toEqual({
      a: 'matched',
      b: 'matched',
    });
  });

  it('are one machine with a hardware address in common', () => {
    const other = '3c:22:fb:00:11:23';
    expect(outcome(claimant('a', { macAddresses: [MAC] }), claimant('b', { macAddresses: [other, MAC] }))).toEqual({
      a: 'matched',
      b: 'matched',
    });
  });

  it('are one machine where one agent has something in common with each of the others', () => {
    const agents = [
      claimant('a', { uuid: UUID }),
      claimant('c', { macAddresses: [MAC] }),
      claimant('b', { uuid: UUID, macAddresses: [MAC] }),
    ];
    expect(outcome(...agents)).toEqual({ a: 'matched', b: 'matched', c: 'matched' });
  });

  it('with nothing in common but the key are quarantined', () => {
    expect(outcome(claimant('a', { uuid: UUID }), claimant('b', {}))).toEqual({
      a: 'duplicate-agent-serial',
      b: 'duplicate-agent-serial',
    });
  });

  it('say that it was not only the serial number', () => {
    expect(outcome(claimant('a', {}), claimant('b', { uuid: UUID }, { by: 'uuid' }))).toEqual({
      a: 'several-agents',
      b: 'several-agents',
    });
  });
});

describe('a re-imaged machine', () => {
  const before = { uuid: UUID, macAddresses: [MAC] };
  const after = { uuid: '4c4c4544-0044-3510-8052-b4c04f4d9999', macAddresses: [MAC] };
  const anew = (rest: Partial<Claimant> = {}) => claimant('new', after, { registeredAt: 10 * DAY, ...rest });
  const silent = (rest: Partial<Claimant> = {}) => claimant('old', before, { lastSeenAt: 9 * DAY, ...rest });

  it('succeeds its old agent that was clean and has been silent since', () => {
    expect(outcome(silent(), anew())).toEqual({ old: 'superseded', new: 'matched' });
  });

  it('succeeds its old agent that was decommissioned', () => {
    expect(outcome(silent({ withdrawn: 'decommissioned' }), anew())).toEqual({ old: 'superseded', new: 'matched' });
  });

  it('succeeds its old agent that is gone', () => {
    expect(outcome(silent({ withdrawn: 'gone' }), anew())).toEqual({ old: 'superseded', new: 'matched' });
  });

  it('counts together with its old agent where that was not clean', () => {
    expect(outcome(silent({ clean: false }), anew())).toEqual({ old: 'matched', new: 'matched' });
  });

  it('counts together with an agent that is still alive', () => {
    expect(outcome(silent({ lastSeenAt: 11 * DAY }), anew())).toEqual({ old: 'matched', new: 'matched' });
  });

  it.each(['decommissioned', 'gone'] as const)(
    'waits for a person where the old agent is %s and was not clean',
    (withdrawn) => {
      expect(outcome(silent({ withdrawn, clean: false }), anew())).toEqual({
        old: 'unproven-successor',
        new: 'unproven-successor',
      });
    },
  );
});

describe('a clean machine with a copied serial number', () => {
  const infected = (rest: Partial<Claimant> = {}) =>
    claimant('laptop', { uuid: UUID, macAddresses: [MAC] }, { clean: false, lastSeenAt: 9 * DAY, ...rest });
  const copy = claimant('copy', { macAddresses: ['3c:22:fb:99:99:99'] }, { registeredAt: 10 * DAY });

  it.each(['no', 'decommissioned', 'gone'] as const)(
    'never takes the place of an infected one (withdrawn: %s)',
    (withdrawn) => {
      expect(outcome(infected({ withdrawn }), copy)['copy']).not.toBe('matched');
    },
  );

  it('does not take the place of a clean one either, which another identifier would have to confirm', () => {
    expect(outcome(infected({ clean: true, withdrawn: 'gone' }), copy)['copy']).toBe('unproven-successor');
  });

  it.each(['decommissioned', 'gone'] as const)(
    'gets nothing from having registered first (withdrawn: %s)',
    (withdrawn) => {
      const first: Claimant = { ...copy, registeredAt: -DAY };
      expect(outcome(infected({ withdrawn }), first)['copy']).toBe('unproven-successor');
    },
  );

  it('gets nothing from an external id that no hardware address confirms', () => {
    const externalId = 'asset-7';
    const gone = claimant('laptop', { macAddresses: [MAC], externalId }, { withdrawn: 'gone' });
    const told = claimant('copy', { macAddresses: ['3c:22:fb:99:99:99'], externalId }, { registeredAt: 10 * DAY });
    expect(outcome(gone, told)['copy']).toBe('unproven-successor');
  });

  it('holds up nobody who was there before it, once it is gone', () => {
    const gone: Claimant = { ...copy, withdrawn: 'gone' };
    expect(outcome(infected({ clean: true }), gone)).toEqual({ laptop: 'matched', copy: 'superseded' });
  });
});

describe('a decommissioned agent', () => {
  it('still speaks for its device while nobody else does', () => {
    expect(outcome(claimant('a', {}, { withdrawn: 'decommissioned' }))).toEqual({ a: 'matched' });
  });
});

describe('a gone agent', () => {
  it('keeps its place while nobody claims it', () => {
    expect(outcome(claimant('a', {}, { withdrawn: 'gone' }))).toEqual({ a: 'matched' });
  });
});

describe('a person’s link', () => {
  it('goes before every key', () => {
    const linked = claimant('a', {}, { by: 'manual' });
    expect(outcome(linked, claimant('b', {}), claimant('c', {}, { withdrawn: 'gone', clean: false }))).toEqual({
      a: 'matched',
      b: 'linked-elsewhere',
      c: 'linked-elsewhere',
    });
  });

  it('may name several agents', () => {
    const link = { by: 'manual' } as const;
    expect(outcome(claimant('a', {}, link), claimant('b', {}, link))).toEqual({ a: 'matched', b: 'matched' });
  });

  it('to an agent that is gone is no reason to refuse another', () => {
    const linked = claimant('a', { macAddresses: [MAC] }, { by: 'manual', withdrawn: 'gone' });
    expect(outcome(linked, claimant('b', { macAddresses: [MAC] }, { registeredAt: 1 }))).toEqual({
      a: 'superseded',
      b: 'matched',
    });
  });
});

it('decides between thousands of silent agents as fast as between a few', () => {
  const many = Array.from({ length: 4_000 }, (_, index) =>
    claimant(`a${index}`, {}, { registeredAt: index * DAY, lastSeenAt: index * DAY }),
  );
  const took = cpuMsOf(() => {
    expect(new Set(Object.values(outcome(...many)))).toEqual(new Set(['duplicate-agent-serial']));
  });
  expect(took).toBeLessThan(2_000);
});
