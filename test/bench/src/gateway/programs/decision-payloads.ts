import { randomUUID } from 'node:crypto';
import { addressOf, createEvent, DecisionChanged, type DataOf } from '@stance/contracts';

export interface StoredDecision {
  readonly subject: string;
  readonly payload: Uint8Array;
}

/**
 * Decisions as they come from the stream: devices are named by UUIDs, three resources are allowed, and each has a review
 * time of its own. `owned`: only the device's owner may reach them, who has an address of his own.
 */
export function decisionPayload(gateway: string, index: number, { owned }: { owned: boolean }): StoredDecision {
  const requiresOwner = owned ? { requiresOwner: `person.${index}@example.org` } : {};
  const resource = { effect: 'allow' as const, enforced: true, reasons: [], ...requiresOwner };
  const at = Date.UTC(2026, 2, 1) + index;
  const data: DataOf<typeof DecisionChanged> = {
    gateway,
    deviceId: randomUUID(),
    resources: { wiki: resource, git: resource, payroll: resource },
    postureRevision: 1 + (index % 1_000),
    policyRevision: 3,
    decidedAt: new Date(at).toISOString(),
    reviewAt: new Date(at + 365 * 86_400_000).toISOString(),
  };
  const event = createEvent(DecisionChanged, {
    id: `policy-engine:bench:${index}`,
    producer: 'policy-engine',
    time: new Date(at),
    data,
    cause: {},
  });
  return { subject: addressOf(DecisionChanged, data), payload: Buffer.from(JSON.stringify(event)) };
}
