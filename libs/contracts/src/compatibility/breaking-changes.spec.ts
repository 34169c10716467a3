import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { EVENTS } from '../catalogue.js';
import { eventJsonSchema } from '../documents/json-schema.js';
import type { EventContract } from '../event.js';
import { breakingChanges, type Json } from './breaking-changes.js';

const folder = new URL('./', import.meta.url);
const accepted = readdirSync(folder).filter((file) => file.endsWith('.json'));

const before: Json = {
  type: 'object',
  description: 'An agent.',
  properties: {
    name: { type: 'string', maxLength: 10 },
    state: { type: 'string', enum: ['on', 'off'] },
    hardware: { type: 'object', properties: { serial: { type: 'string' } }, required: ['serial'] },
    tags: { type: 'array', items: { type: 'string' } },
    value: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    required: { type: 'boolean' },
  },
  required: ['name', 'state'],
};

type Draft = typeof before & { properties: Record<string, Record<string, Json>>; required: string[] };
const edited = (edit: (draft: Draft) => void): Json => {
  const draft = structuredClone(before) as Draft;
  edit(draft);
  return draft;
};

describe('comparing two schemas', () => {
  it.each<[string, Json]>([
    ['nothing changed', before],
    ['an optional field came', edited(({ properties }) => (properties['note'] = { type: 'string' }))],
    [
      'an optional field came inside a field',
      edited(
        ({ properties }) =>
          (properties['hardware'] = {
            ...properties['hardware'],
            properties: { serial: { type: 'string' }, uuid: { type: 'string' } },
          }),
      ),
    ],
    ['a description changed', edited((draft) => Object.assign(draft, { description: 'Another.', title: 'agent' }))],
    ['the order of required fields changed', edited((draft) => draft.required.unshift(draft.required.pop() ?? ''))],
  ])('finds nothing that breaks a reader when %s', (_, after) => {
    expect(breakingChanges(before, after)).toEqual([]);
  });

  it.each<[string, Json, string]>([
    ['a field went', edited(({ properties }) => delete properties['tags']), 'event.tags: was removed'],
    [
      'a required field came',
      edited((draft) => {
        draft.properties['note'] = { type: 'string' };
        draft.required.push('note');
      }),
      'event.note: became required',
    ],
    ['a field became required', edited(({ required }) => required.push('tags')), 'event.tags: became required'],
    ['a field became optional', edited(({ required }) => required.pop()), 'event.state: became optional'],
    [
      'a type changed',
      edited(({ properties }) => (properties['name'] = { type: 'integer', maxLength: 10 })),
      'event.name type: "string" became "integer"',
    ],
    [
      'a limit changed',
      edited(({ properties }) => (properties['name'] = { type: 'string', maxLength: 5 })),
      'event.name maxLength: 10 became 5',
    ],
    [
      'a limit came',
      edited(({ properties }) => (properties['tags'] = { ...properties['tags'], maxItems: 3 })),
      'event.tags: maxItems was added',
    ],
    [
      'a limit went',
      edited(({ properties }) => (properties['name'] = { type: 'string' })),
      'event.name: maxLength was removed',
    ],
    [
      'a value was added to a closed list',
      edited(({ properties }) => (properties['state'] = { type: 'string', enum: ['on', 'off', 'idle'] })),
      'event.state enum: ["on","off"] became ["on","off","idle"]',
    ],
    [
      'an inner field went',
      edited(({ properties }) => (properties['hardware'] = { type: 'object', properties: {}, required: ['serial'] })),
      'event.hardware.serial: was removed',
    ],
    [
      'the items of a list changed',
      edited(({ properties }) => (properties['tags'] = { type: 'array', items: { type: 'number' } })),
      'event.tags items type: "string" became "number"',
    ],
    [
      'one of several types changed',
      edited(({ properties }) => (properties['value'] = { anyOf: [{ type: 'string' }, { type: 'number' }] })),
      'event.value anyOf[1] type: "null" became "number"',
    ],
    [
      'a field named like a keyword went',
      edited(({ properties }) => delete properties['required']),
      'event.required: was removed',
    ],
  ])('names the change when %s', (_, after, change) => {
    expect(breakingChanges(before, after)).toEqual([change]);
  });
});

describe('the events of this version', () => {
  it.each(EVENTS.map((contract): [string, EventContract] => [contract.name, contract]))(
    '%s differs from what was accepted by optional fields at most (new events: npm run contracts:accept)',
    (name, contract) => {
      const was = JSON.parse(readFileSync(new URL(`${name}.v1.json`, folder), 'utf8')) as Json;
      const is = JSON.parse(JSON.stringify(eventJsonSchema(contract))) as Json;
      expect(breakingChanges(was, is)).toEqual([]);
    },
  );

  it('none that was accepted is gone', () => {
    const present: string[] = EVENTS.map(({ name }) => `${name}.v1.json`);
    expect(accepted.filter((file) => !present.includes(file))).toEqual([]);
  });
});
