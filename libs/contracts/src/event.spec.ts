import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { contractOfSubject, EVENTS } from './catalogue.js';
import { entityOf, filterOf, keysOf, subjectOf, type EventContract } from './event.js';
import { AgentObserved } from './events/agent.js';
import { DeadLettered } from './events/dead-letter.js';
import { PolicyPublished } from './events/policy.js';
import { SessionStarted } from './events/session.js';
import { MalformedToken, UnusableId } from './id-token.js';

const contracts: [string, EventContract][] = EVENTS.map((contract) => [contract.name, contract]);
const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 16 });
const wholeSubject = fc.array(fc.stringMatching(/^[a-z0-9=]{1,8}$/), { minLength: 1, maxLength: 6 });

/** Ids for each of the contract's keys. */
function anyKeysOf(contract: EventContract): fc.Arbitrary<Record<string, string>> {
  const last = contract.keys.at(-1);
  return fc.record(
    Object.fromEntries(
      contract.keys.map((key) => [
        key,
        contract.endsWithSubject && key === last ? wholeSubject.map((tokens) => tokens.join('.')) : id,
      ]),
    ),
  );
}

/** What NATS does with a filter. */
function matches(filter: string, subject: string): boolean {
  const [wanted, tokens] = [filter.split('.'), subject.split('.')];
  if (wanted.at(-1) === '>') {
    const fixed = wanted.slice(0, -1);
    return tokens.length > fixed.length && fixed.every((token, at) => token === '*' || token === tokens[at]);
  }
  return tokens.length === wanted.length && wanted.every((token, at) => token === '*' || token === tokens[at]);
}

describe.each(contracts)('the subject of %s', (_, contract) => {
  it('gives back the ids that it was made from, and belongs to no other event', () => {
    fc.assert(
      fc.property(anyKeysOf(contract), (keys) => {
        const subject = subjectOf(contract, keys);
        expect(keysOf(contract, subject)).toEqual(keys);
        expect(contractOfSubject(subject)).toBe(contract);
      }),
    );
  });

  it('matches every filter over some of its ids, and no filter over another id', () => {
    const scene = anyKeysOf(contract).chain((keys) =>
      fc.record({ keys: fc.constant(keys), known: fc.subarray([...contract.keys]), other: id }),
    );
    fc.assert(
      fc.property(scene, ({ keys, known, other }) => {
        const subject = subjectOf(contract, keys);
        const some = Object.fromEntries(known.map((key) => [key, keys[key] ?? '']));
        expect(matches(filterOf(contract, some), subject)).toBe(true);
        const [first] = known;
        if (first === undefined || keys[first] === other || contract.endsWithSubject) return;
        expect(matches(filterOf(contract, { ...some, [first]: other }), subject)).toBe(false);
      }),
    );
  });
});

describe('filters', () => {
  it.each([
    [{}, 'stance.session.started.v1.>'],
    [{ gateway: 'g.1' }, 'stance.session.started.v1.g=2E1.>'],
    [{ gateway: 'g', deviceId: 'd' }, 'stance.session.started.v1.g.d.>'],
    [{ deviceId: 'd' }, 'stance.session.started.v1.*.d.>'],
    [{ sessionId: 's' }, 'stance.session.started.v1.*.*.s'],
    [{ gateway: 'g', deviceId: 'd', sessionId: 's' }, 'stance.session.started.v1.g.d.s'],
  ])('over %j are %s', (keys, filter) => {
    expect(filterOf(SessionStarted, keys)).toBe(filter);
  });

  it('name the whole subject of an event without ids', () => {
    expect(filterOf(PolicyPublished)).toBe('stance.policy.published.v1');
  });

  it('keep the original subject of dead letters readable', () => {
    expect(filterOf(DeadLettered, { service: 'audit' })).toBe('stance.dead.audit.>');
    expect(filterOf(DeadLettered, { service: 'audit', originalSubject: 'stance.a.b' })).toBe(
      'stance.dead.audit.stance.a.b',
    );
  });
});

describe('subjects that are not of the contract', () => {
  it.each([
    ['another event', AgentObserved, 'stance.agent.matched.v1.s.a'],
    ['too few ids', AgentObserved, 'stance.agent.observed.v1.s'],
    ['too many ids', AgentObserved, 'stance.agent.observed.v1.s.a.b'],
    ['no ids', AgentObserved, 'stance.agent.observed.v1'],
    ['an empty id', AgentObserved, 'stance.agent.observed.v1..a'],
    ['a longer prefix', AgentObserved, 'stance.agent.observed.v11.s.a'],
    ['ids where there are none', PolicyPublished, 'stance.policy.published.v1.x'],
    ['a dead letter of nothing', DeadLettered, 'stance.dead.audit'],
  ])('are refused: %s', (_, contract: EventContract, subject) => {
    expect(() => keysOf(contract, subject)).toThrow(MalformedToken);
  });

  it.each([['stance.unknown.v1.x'], ['stance.policy.published.v1.x'], ['stance.agent.observed.v1'], ['other']])(
    'have no contract: %s',
    (subject) => {
      expect(contractOfSubject(subject)).toBeUndefined();
    },
  );

  it('are not made from an id that cannot be a token', () => {
    expect(() => subjectOf(AgentObserved, { source: 's', agentId: '' })).toThrow(UnusableId);
  });
});

describe('the entity of an event', () => {
  it.each([
    ['the last of its ids', SessionStarted, { gateway: 'g', deviceId: 'd', sessionId: 's 1' }, 's 1'],
    ['its name where there is one only', PolicyPublished, {}, 'policy'],
  ])('is %s', (_, contract: EventContract, data, entity) => {
    expect(entityOf(contract, data)).toBe(entity);
  });
});
