import { z } from 'zod';
import { eventSchema } from '../codec.js';
import type { EventContract } from '../event.js';

/** The part of JSON Schema that the contracts' schemas use. */
export interface JsonSchema {
  readonly title?: string;
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly (string | number | boolean)[];
  readonly const?: string | number | boolean;
  readonly format?: string;
}

/**
 * The JSON Schema of a whole event: envelope and data. Fields that it does not name are allowed, as readers ignore them.
 * `target`: JSON Schema 2020-12 unless told otherwise.
 */
export function eventJsonSchema(
  contract: EventContract,
  target: 'draft-2020-12' | 'draft-7' = 'draft-2020-12',
): JsonSchema {
  const schema = jsonSchemaOf(eventSchema(contract), target);
  const type = { ...schema.properties?.['type'], const: contract.type };
  return {
    ...schema,
    title: contract.name,
    description: contract.summary,
    properties: { ...schema.properties, type },
  };
}

/** The JSON Schema of a request's input, a reply's result or any other contract type. */
export function jsonSchemaOf(schema: z.ZodType, target: 'draft-2020-12' | 'draft-7'): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', target, unrepresentable: 'any' }) as JsonSchema;
}

/** A type in a word or two, for people: `string`, `list of string`, `"allow" or "deny"`, `map to integer`. */
export function typeInWords(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeInWords).join(' or ');
  if (schema.format === 'date-time') return 'time';
  if (schema.type === 'array') return `list of ${typeInWords(schema.items ?? {})}`;
  if (schema.type === 'object' && schema.properties === undefined) {
    return `map to ${typeInWords(schema.additionalProperties ?? {})}`;
  }
  return schema.type ?? 'anything';
}
