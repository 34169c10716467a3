import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { EVENTS } from './catalogue.js';
import { asyncApiDocument, eventJsonSchema, generateDocuments } from './documents.js';
import { typeInWords, type JsonSchema } from './documents/json-schema.js';
import type { EventContract } from './event.js';
import { REQUESTS } from './requests.js';
import { STREAMS } from './streams.js';

const documents = generateDocuments();
const asyncApi = asyncApiDocument();
const events: readonly EventContract[] = EVENTS;

/** What a local reference such as `#/channels/x` points to. */
function resolve(reference: string): unknown {
  let target: unknown = asyncApi;
  for (const key of reference.replace(/^#\//, '').split('/')) {
    target = typeof target === 'object' && target !== null ? Reflect.get(target, key) : undefined;
  }
  return target;
}

function* references(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$ref' && typeof inner === 'string') yield inner;
    else yield* references(inner);
  }
}

describe('the generated documents', () => {
  it('in docs/events are the ones of these contracts (npm run docs:generate)', () => {
    for (const [path, content] of Object.entries(documents)) {
      expect({ path, content: readFileSync(new URL(`../../../docs/events/${path}`, import.meta.url), 'utf8') }).toEqual(
        {
          path,
          content,
        },
      );
    }
  });

  it.each(events.map((event) => [event.name, event] as const))('the catalogue shows %s in full', (_, event) => {
    const section = documents['README.md']?.split('\n## ').find((text) => text.startsWith(`${event.name}\n`)) ?? '';
    expect(section).toContain(event.summary);
    expect(section).toContain(`\`${event.type}\``);
    expect(section).toContain(event.owners.join(', '));
    expect(section).toContain(event.stream?.name ?? 'core NATS only');
    for (const key of event.keys) expect(section).toContain(`{${key}}`);
    for (const field of Object.keys(eventJsonSchema(event).properties?.['data']?.properties ?? {})) {
      expect(section).toContain(`| \`${field}\` |`);
    }
  });

  it('the catalogue says what a field means where its schema does', () => {
    expect(documents['README.md']).toContain("| `owner` | string |  | The owner's e-mail address. |");
    expect(documents['README.md']).toContain('| `resources.*.reasons[].code` | "no-policy" or');
  });

  it('the streams table shows every stream with what it keeps', () => {
    for (const { name, subjects } of Object.values(STREAMS)) {
      const row = documents['streams.md']?.split('\n').find((line) => line.startsWith(`| ${name} |`));
      for (const subject of subjects) expect(row).toContain(`\`${subject}\``);
    }
    expect(documents['streams.md']).toContain('| everything for 30 days |');
    expect(documents['streams.md']).toContain('| everything, never deleted |');
  });

  it('no table row has more or fewer cells than its heading', () => {
    const cells = (line: string) => line.replaceAll('\\|', '').split('|').length;
    for (const file of ['README.md', 'streams.md']) {
      for (const block of documents[file]?.split('\n\n') ?? []) {
        const rows = block.split('\n').filter((line) => line.startsWith('|'));
        expect(new Set(rows.map(cells)).size).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe('the JSON Schema of an event', () => {
  it.each(events.map((event) => [event.name, event] as const))(
    'of %s fixes its type and allows unknown fields',
    (_, event) => {
      const schema = JSON.parse(documents[`schemas/${event.name}.v1.json`] ?? '{}') as JsonSchema;
      expect(schema.properties?.['type']?.const).toBe(event.type);
      expect(schema.required).toEqual(expect.arrayContaining(['specversion', 'id', 'type', 'source', 'time', 'data']));
      expect(JSON.stringify(schema)).not.toContain('"additionalProperties":false');
    },
  );

  it.each<[JsonSchema, string]>([
    [{ type: 'string' }, 'string'],
    [{ type: 'string', format: 'date-time' }, 'time'],
    [{ const: '1.0' }, '"1.0"'],
    [{ type: 'string', enum: ['a', 'b'] }, '"a" or "b"'],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'string or null'],
    [{ type: 'array', items: { type: 'integer' } }, 'list of integer'],
    [{ type: 'object', additionalProperties: { type: 'boolean' } }, 'map to boolean'],
    [{ type: 'object', properties: {} }, 'object'],
    [{}, 'anything'],
  ])('%j reads as %s', (schema, words) => {
    expect(typeInWords(schema)).toBe(words);
  });
});

describe('the AsyncAPI document', () => {
  it('is of version 3.0.0, with a title and a version of its own', () => {
    expect(asyncApi.asyncapi).toBe('3.0.0');
    expect(asyncApi.info).toMatchObject({
      title: expect.any(String),
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
  });

  it('has a channel for every event and request, whose parameters are those of its address', () => {
    expect(Object.keys(asyncApi.channels)).toHaveLength(events.length + 2 * REQUESTS.length);
    for (const channel of Object.values(asyncApi.channels)) {
      expect(Object.keys(channel.messages).length).toBeGreaterThan(0);
      const inAddress = [...(channel.address ?? '').matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
      expect(Object.keys(channel.parameters ?? {})).toEqual(inAddress);
    }
    const addresses = Object.values(asyncApi.channels).flatMap(({ address }) => address ?? []);
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  it('has an operation for every event and request, on a channel, with messages of that channel', () => {
    expect(Object.keys(asyncApi.operations)).toHaveLength(events.length + REQUESTS.length);
    for (const { action, channel, messages, reply } of Object.values(asyncApi.operations)) {
      expect(['send', 'receive']).toContain(action);
      expect(channel.$ref).toMatch(/^#\/channels\//);
      for (const { $ref } of messages) expect($ref.startsWith(`${channel.$ref}/messages/`)).toBe(true);
      for (const { $ref } of reply?.messages ?? []) {
        expect($ref.startsWith(`${reply?.channel.$ref}/messages/`)).toBe(true);
      }
    }
  });

  it('names its components as AsyncAPI allows, each with a payload that says which schema language it is in', () => {
    for (const [name, message] of Object.entries(asyncApi.components.messages)) {
      expect(name).toMatch(/^[A-Za-z0-9.\-_]+$/);
      expect(message.payload.schemaFormat).toBe('application/schema+json;version=draft-07');
      expect(message.contentType).toMatch(/^application\/(cloudevents\+)?json$/);
    }
  });

  it('refers only to what it holds', () => {
    const all = [...references(asyncApi)];
    expect(all.length).toBeGreaterThan(events.length * 3);
    for (const reference of all)
      expect({ reference, target: typeof resolve(reference) }).toEqual({ reference, target: 'object' });
  });
});
