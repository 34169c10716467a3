import { createHash } from 'node:crypto';
import { BreakGlassUsed, OperatorActed, type DataOf } from '@stance/contracts';
import type { Asker } from '../access/access.js';
import type { Entry } from './break-glass-file.js';

/** What is recorded of a use: that it began, once for each entry and user. */
export type BreakGlassUse = DataOf<typeof BreakGlassUsed>;

/** The same entry and user have the same id at every replica and after every restart: it is recorded once. */
export function useOf(gateway: string, entry: Entry, { user, proof }: Asker, usedAt: number): BreakGlassUse {
  const { device, resource, by, reason } = entry;
  const until = new Date(entry.until).toISOString();
  const digest = digestOf([gateway, device, resource, until, by, reason, user]);
  // The resource is for people, the digest makes it unique; it is a file's name too.
  const useId = `${resource.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 60)}-${digest}`;
  return {
    gateway,
    useId,
    deviceId: device,
    resource,
    ...(user !== undefined && { user }),
    proof,
    by,
    reason,
    until,
    usedAt: new Date(usedAt).toISOString(),
  };
}

/** The use that was kept as this, also by versions that told it as `operator.acted`. */
export function keptUse(content: unknown): BreakGlassUse | undefined {
  return BreakGlassUsed.data.safeParse(fromOperation(content) ?? content).data;
}

function fromOperation(content: unknown): unknown {
  const operation = OperatorActed.data.safeParse(content).data;
  if (operation?.kind !== 'break-glass-used') return undefined;
  const { targetId: useId, by, reason, until, details: { device: deviceId, ...details } = {} } = operation;
  return { ...details, useId, deviceId, by, reason, until };
}

function digestOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
