import { EVENTS } from '../catalogue.js';
import { EVENT_CONTENT_TYPE, type EventContract } from '../event.js';
import { REQUESTS, requestError, type RequestContract } from '../requests.js';
import { z } from 'zod';
import { subjectTemplate } from './event-catalogue.js';
import { eventJsonSchema, jsonSchemaOf, type JsonSchema } from './json-schema.js';

interface Reference {
  readonly $ref: string;
}

interface Message {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly contentType: string;
  readonly payload: { readonly schemaFormat: string; readonly schema: JsonSchema };
}

interface Channel {
  readonly address: string | null;
  readonly description?: string;
  readonly messages: Readonly<Record<string, Reference>>;
  readonly parameters?: Readonly<Record<string, { readonly description: string }>>;
}

interface Operation {
  readonly action: 'send' | 'receive';
  readonly channel: Reference;
  readonly summary: string;
  readonly messages: readonly Reference[];
  readonly tags: readonly { readonly name: string }[];
  readonly reply?: { readonly channel: Reference; readonly messages: readonly Reference[] };
}

/** An AsyncAPI 3.0 document (https://www.asyncapi.com/docs/reference/specification/v3.0.0), as far as Stance uses it. */
export interface AsyncApiDocument {
  readonly asyncapi: '3.0.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly defaultContentType: string;
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly components: { readonly messages: Readonly<Record<string, Message>> };
}

/** Every event that Stance sends and every request that it answers. Servers are the operator's own, so none is named. */
export function asyncApiDocument(): AsyncApiDocument {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Stance events and requests',
      version: '1.0.0',
      description: 'Generated from libs/contracts. Within version 1 only optional fields are added.',
    },
    defaultContentType: EVENT_CONTENT_TYPE,
    channels: Object.assign({}, ...EVENTS.map(eventChannel), ...REQUESTS.map(requestChannels)) as Record<
      string,
      Channel
    >,
    operations: Object.assign({}, ...EVENTS.map(eventOperation), ...REQUESTS.map(requestOperation)) as Record<
      string,
      Operation
    >,
    components: {
      messages: Object.assign({}, ...EVENTS.map(eventMessage), ...REQUESTS.map(requestMessages)) as Record<
        string,
        Message
      >,
    },
  };
}

function eventChannel(contract: EventContract): Record<string, Channel> {
  const stream =
    contract.stream === null ? 'Core NATS, kept by no stream.' : `Kept by the stream ${contract.stream.name}.`;
  return {
    [contract.name]: {
      address: subjectTemplate(contract),
      description: stream,
      messages: { [contract.name]: { $ref: `#/components/messages/${contract.name}` } },
      ...(contract.keys.length > 0 && {
        parameters: Object.fromEntries(
          contract.keys.map((key, index) => [key, { description: parameterInWords(contract, index) }]),
        ),
      }),
    },
  };
}

function parameterInWords(contract: EventContract, index: number): string {
  return contract.endsWithSubject && index === contract.keys.length - 1
    ? 'A whole subject, as it is.'
    : 'An id as one token: every byte but letters, digits, - and _ is = and two upper-case hex digits.';
}

function eventOperation(contract: EventContract): Record<string, Operation> {
  return {
    [`send.${contract.name}`]: {
      action: 'send',
      channel: { $ref: `#/channels/${contract.name}` },
      summary: contract.summary,
      messages: [{ $ref: `#/channels/${contract.name}/messages/${contract.name}` }],
      tags: contract.owners.map((name) => ({ name })),
    },
  };
}

function eventMessage(contract: EventContract): Record<string, Message> {
  return {
    [contract.name]: message(contract.name, contract.summary, EVENT_CONTENT_TYPE, eventJsonSchema(contract, 'draft-7')),
  };
}

const nameOf = ({ service, verb }: RequestContract) => `${service}.${verb}`;

function requestChannels(contract: RequestContract): Record<string, Channel> {
  const name = nameOf(contract);
  return {
    [name]: {
      address: contract.subject,
      messages: { [`${name}.request`]: { $ref: `#/components/messages/${name}.request` } },
    },
    [`${name}.reply`]: {
      // The requester's own inbox.
      address: null,
      messages: { [`${name}.reply`]: { $ref: `#/components/messages/${name}.reply` } },
    },
  };
}

function requestOperation(contract: RequestContract): Record<string, Operation> {
  const name = nameOf(contract);
  return {
    [`answer.${name}`]: {
      action: 'receive',
      channel: { $ref: `#/channels/${name}` },
      summary: contract.summary,
      messages: [{ $ref: `#/channels/${name}/messages/${name}.request` }],
      tags: [{ name: contract.service }],
      reply: {
        channel: { $ref: `#/channels/${name}.reply` },
        messages: [{ $ref: `#/channels/${name}.reply/messages/${name}.reply` }],
      },
    },
  };
}

function requestMessages(contract: RequestContract): Record<string, Message> {
  const name = nameOf(contract);
  const reply = z.union([z.object({ result: contract.output }), z.object({ error: requestError })]);
  return {
    [`${name}.request`]: message(
      `${name}.request`,
      contract.summary,
      'application/json',
      jsonSchemaOf(contract.input, 'draft-7'),
    ),
    [`${name}.reply`]: message(
      `${name}.reply`,
      `The answer, or why there is none.`,
      'application/json',
      jsonSchemaOf(reply, 'draft-7'),
    ),
  };
}

function message(name: string, summary: string, contentType: string, schema: JsonSchema): Message {
  return {
    name,
    title: name,
    summary,
    contentType,
    payload: { schemaFormat: 'application/schema+json;version=draft-07', schema },
  };
}
