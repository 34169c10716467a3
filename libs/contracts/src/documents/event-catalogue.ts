import { EVENTS } from '../catalogue.js';
import type { EventContract } from '../event.js';
import type { StreamDefinition } from '../streams.js';
import { eventJsonSchema, typeInWords, type JsonSchema } from './json-schema.js';
import { retentionOf } from './streams-table.js';
import { table } from './table.js';

/** Every event for people to read: where it is published, by whom, how long it is kept, and its fields. */
export function eventCatalogue(): string {
  const overview = table(
    ['event', 'subject', 'published by', 'stream'],
    EVENTS.map((contract: EventContract) => [
      `[${contract.name}](#${contract.name.replace('.', '')})`,
      `\`${subjectTemplate(contract)}\``,
      contract.owners.join(', '),
      contract.stream?.name ?? '-',
    ]),
  );
  const envelope = eventJsonSchema(EVENTS[0]);
  return [
    '# Events',
    'Generated from `libs/contracts` by `npm run docs:generate`; do not edit.',
    'Every event is a CloudEvent 1.0 in structured JSON, with `Content-Type: application/cloudevents+json`. Its `id` is also ' +
      'its `Nats-Msg-Id`. Within v1 only optional fields are added: ignore fields that you do not know.',
    'An id in a subject is one token: letters, digits, `-` and `_` stand for themselves, every other UTF-8 byte is `=` and two ' +
      'upper-case hex digits; at most 200 bytes once escaped. See also the [streams](streams.md), the JSON Schemas in ' +
      '[schemas](schemas) and the [AsyncAPI document](asyncapi.json).',
    overview,
    '## Fields of every event',
    fieldsTable('field', { ...envelope, properties: without(envelope.properties ?? {}, 'data') }),
    ...EVENTS.map(section),
    '',
  ].join('\n\n');
}

/** The subject with its ids in braces, as in `stance.agent.observed.v1.{source}.{agentId}`. */
export function subjectTemplate(contract: EventContract): string {
  return [contract.subjectPrefix, ...contract.keys.map((key) => `{${key}}`)].join('.');
}

function section(contract: EventContract): string {
  const data = eventJsonSchema(contract).properties?.['data'] ?? {};
  return [
    `## ${contract.name}`,
    contract.summary,
    table(
      ['', ''],
      [
        ['subject', `\`${subjectTemplate(contract)}\``],
        ['type', `\`${contract.type}\``],
        ['published by', contract.owners.join(', ')],
        ['stream', streamInWords(contract.stream)],
        ['schema', `[${schemaFile(contract)}](${schemaFile(contract)})`],
      ],
    ),
    fieldsTable('field of `data`', data),
  ].join('\n\n');
}

function streamInWords(stream: StreamDefinition | null): string {
  return stream === null ? 'none: core NATS only' : `${stream.name}, keeps ${retentionOf(stream)}`;
}

/** Where the event's JSON Schema lies, beside the catalogue. */
export function schemaFile(contract: EventContract): string {
  return `schemas/${contract.name}.v1.json`;
}

function fieldsTable(heading: string, schema: JsonSchema): string {
  return table([heading, 'type', 'required', 'meaning'], [...rows(schema, '')]);
}

/** One row per field; those of nested objects follow it with a dotted path, those of list items with `[]`. */
function* rows(schema: JsonSchema, prefix: string): Generator<string[]> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const path = `${prefix}${name}`;
    const required = schema.required?.includes(name) ? 'yes' : '';
    yield [`\`${path}\``, typeInWords(field), required, field.description ?? ''];
    yield* rows(field, `${path}.`);
    if (field.items !== undefined) yield* rows(field.items, `${path}[].`);
    if (field.additionalProperties !== undefined) yield* rows(field.additionalProperties, `${path}.*.`);
  }
}

function without<Value>(fields: Readonly<Record<string, Value>>, name: string): Record<string, Value> {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
}
