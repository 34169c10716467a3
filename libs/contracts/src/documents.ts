import { EVENTS } from './catalogue.js';
import type { EventContract } from './event.js';
import { asyncApiDocument } from './documents/async-api.js';
import { eventCatalogue, schemaFile } from './documents/event-catalogue.js';
import { eventJsonSchema } from './documents/json-schema.js';
import { streamsTable } from './documents/streams-table.js';

export { asyncApiDocument, type AsyncApiDocument } from './documents/async-api.js';
export { eventJsonSchema, type JsonSchema } from './documents/json-schema.js';

/** Every document that is generated from the contracts, by its path below `docs/events`. */
export function generateDocuments(): Record<string, string> {
  return {
    'README.md': eventCatalogue(),
    'streams.md': streamsTable(),
    'asyncapi.json': json(asyncApiDocument()),
    ...Object.fromEntries(
      EVENTS.map((contract: EventContract) => [schemaFile(contract), json(eventJsonSchema(contract))]),
    ),
  };
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
