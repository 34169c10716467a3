import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { EVENTS } from './catalogue.js';
import { decodeEvent, UnreadableEvent } from './codec.js';
import { eventJsonSchema, jsonSchemaOf, type JsonSchema } from './documents/json-schema.js';
import type { EventContract } from './event.js';
import { atLeast, atMost } from './lengths.js';
import * as requests from './requests.js';

/** What JSON can hold in place of anything: among it what throws when it is compared, printed or measured. */
const HOSTILE: readonly unknown[] = [
  null,
  true,
  -1e308,
  '',
  'x'.repeat(3_000),
  [],
  [[{}]],
  {},
  { toString: null, valueOf: null },
  { length: { toString: null } },
  { length: { valueOf: 1, toString: 1 }, size: { toString: null } },
  { length: -1, size: 1 },
  JSON.parse('{"__proto__":{"toString":null},"constructor":null,"hasOwnProperty":1,"toJSON":1,"then":1}'),
];

/** Values that a schema describes but for one place, at which something hostile stands: one for each place. */
function* hostileValues(schema: JsonSchema): Generator {
  yield* HOSTILE;
  for (const branch of schema.anyOf ?? []) yield* hostileValues(branch);
  if (schema.items !== undefined) for (const item of hostileValues(schema.items)) yield [item];
  for (const field of hostileFields(schema)) yield { ...constantsOf(schema), ...field };
}

function* hostileFields({ properties = {}, additionalProperties }: JsonSchema): Generator<Record<string, unknown>> {
  for (const [name, property] of Object.entries(properties)) {
    for (const value of hostileValues(property)) yield { [name]: value };
  }
  if (additionalProperties === undefined) return;
  for (const value of hostileValues(additionalProperties)) yield { key: value };
}

/** What tells the branches of a union apart, so that each is gone into. */
function constantsOf({ properties = {} }: JsonSchema): Record<string, unknown> {
  const constants = Object.entries(properties).map(([name, field]) => [name, field.const ?? field.enum?.[0]]);
  return Object.fromEntries(constants.filter(([, value]) => value !== undefined));
}

/** Without `expect`: there are thousands. */
function isUnreadable(contract: EventContract, payload: string): boolean {
  try {
    decodeEvent(contract, Buffer.from(payload), contract.subjectPrefix);
    return false;
  } catch (error) {
    return error instanceof UnreadableEvent;
  }
}

const contracts: [string, EventContract][] = EVENTS.map((contract) => [contract.name, contract]);

describe('a hostile event is unreadable, and nothing else is thrown', () => {
  it.each(contracts)('%s', (_, contract) => {
    const events = [...hostileValues(eventJsonSchema(contract))];
    const otherwise = events.filter((event) => !isUnreadable(contract, JSON.stringify(event)));
    expect(events.length).toBeGreaterThan(HOSTILE.length * 10);
    expect(otherwise).toEqual([]);
  });
});

const inputs = Object.entries(requests).flatMap(([name, one]) =>
  typeof one === 'object' && 'input' in one ? [[name, one.input] as const] : [],
);

describe('a hostile request is refused, and nothing is thrown', () => {
  it.each(inputs)('%s', (_, input) => {
    for (const value of hostileValues(jsonSchemaOf(input, 'draft-2020-12'))) {
      expect(() => input.safeParse(JSON.parse(JSON.stringify(value)))).not.toThrow();
    }
  });
});

describe('a length', () => {
  it.each<[string, unknown, boolean]>([
    ['too few characters', 'a', false],
    ['the fewest', 'ab', true],
    ['the most, of two code units each', '😀😀😀', true],
    ['too many', 'abcd', false],
  ])('of a text with %s', (_, value, fits) => {
    expect(z.string().check(atLeast(2), atMost(3)).safeParse(value).success).toBe(fits);
  });

  it('is said in the words given, once, and not of what is no text', () => {
    const text = z.string('no text').check(atLeast(2, 'too short'), atMost(3, 'too long'));
    const said = (value: unknown) => text.safeParse(value).error?.issues.map(({ message }) => message);
    expect([said(''), said('abcd'), said({ length: 0 })]).toEqual([['too short'], ['too long'], ['no text']]);
  });
});
