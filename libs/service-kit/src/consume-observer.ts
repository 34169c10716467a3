import { metrics } from '@opentelemetry/api';
import type { ConsumeObserver } from '@stance/jetstream';
import type { Logger } from './log.js';
import { tallyOf } from './metrics.js';

export function observerOf(service: string, logger: Logger): ConsumeObserver {
  const meter = metrics.getMeter('@stance/service-kit');
  const settled = meter.createCounter('stance.messages.settled', {
    description: 'Messages by how they were settled',
    unit: '{message}',
  });
  const deadLetters = tallyOf(
    {
      meter: '@stance/service-kit',
      name: 'stance.dead_letters',
      unit: '{message}',
      description: 'Messages that could not be handled, by why',
    },
    ['service', 'event', 'code'],
  );
  return {
    settled: (contract, message, settlement, error) => {
      settled.add(1, { service, event: contract.name, settlement: settlement.action });
      const about = { subject: message.subject, sequence: message.seq, attempt: message.info.deliveryCount };
      if (settlement.action === 'retry')
        logger.warn({ ...about, delayMs: settlement.delayMs, err: error }, 'trying again later');
      if (settlement.action === 'dead-letter') {
        deadLetters.add([service, contract.name, settlement.code]);
        logger.error({ ...about, code: settlement.code, reason: settlement.message }, 'dead-lettered');
      }
    },
    trouble: (message, error) => logger.warn({ err: error }, message),
  };
}
