import type { Attributes } from '@opentelemetry/api';
import type { EventContract } from '@stance/contracts';
import { TRACE_PRIORITY } from './trace-context.js';

/**
 * What OpenTelemetry calls the spans of messaging: names and attributes of its semantic conventions 1.45, where NATS has no
 * list of its own. https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 */
export interface MessageSpan {
  readonly name: string;
  /** All that is known before the message is. */
  readonly attributes: Attributes;
}

/** Events that are traced whatever is sampled: access that ends, what could not be handled, what a person did. */
const ALWAYS_TRACED = new Set(['session.revoked', 'dead.lettered', 'operator.acted', 'policy.published']);
/** Events that come all the time; where one begins a trace, hardly anybody will look at it. */
const ROUTINE = new Set(['source.reported']);

/** Of publishing an event as a service. */
export function publishSpan(contract: EventContract, service: string): MessageSpan {
  return {
    name: `publish ${contract.subjectPrefix}`,
    attributes: {
      ...messaging('send', 'publish', contract, service),
      ...(ALWAYS_TRACED.has(contract.name) && { [TRACE_PRIORITY]: 'always' }),
      ...(ROUTINE.has(contract.name) && { [TRACE_PRIORITY]: 'routine' }),
    },
  };
}

/** Of one delivery of an event to a durable consumer. */
export function processSpan(contract: EventContract, service: string, stream: string, durable: string): MessageSpan {
  return {
    name: `process ${contract.subjectPrefix}`,
    attributes: {
      ...messaging('process', 'process', contract, service),
      'messaging.consumer.group.name': durable,
      'stance.stream': stream,
    },
  };
}

function messaging(type: string, name: string, contract: EventContract, service: string): Attributes {
  return {
    'messaging.system': 'nats',
    'messaging.operation.type': type,
    'messaging.operation.name': name,
    'messaging.destination.template': contract.subjectPrefix,
    'messaging.client.id': service,
  };
}

const ATTRIBUTE_OF: Readonly<Record<string, string>> = {
  agentId: 'stance.agent.id',
  deviceId: 'stance.device.id',
  sessionId: 'stance.session.id',
  gateway: 'stance.gateway',
  source: 'stance.source',
};

/** The ids in an event's data by which a person looks for its trace. */
export function idsOf(contract: EventContract, data: unknown): Attributes {
  const ids: Attributes = {};
  if (typeof data !== 'object' || data === null) return ids;
  for (const key of contract.keys) {
    const name = ATTRIBUTE_OF[key];
    const value: unknown = Reflect.get(data, key);
    if (name !== undefined && typeof value === 'string') ids[name] = value;
  }
  return ids;
}
