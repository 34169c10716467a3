import { createHash } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import { DeviceRecorded } from '@stance/contracts';
import { FactTable, type EventPublisher, type Origin } from '@stance/jetstream';
import { describeProblem } from './file-problem.js';
import type { FileOutcome } from './file-sync.js';
import { digestOf, planInventory, type RecordedDevice } from './inventory-plan.js';
import { parseInventory, type Device } from './inventory.js';

/** What is recorded of every device. */
export type DeviceTable = FactTable<typeof DeviceRecorded, RecordedDevice>;

/** Writes under way at a time. */
const CONCURRENCY = 512;

export function createDeviceTable(connection: NatsConnection, publisher: EventPublisher): DeviceTable {
  return new FactTable(connection, publisher, DeviceRecorded, {
    keep: ({ data, source }): RecordedDevice => ({
      deviceId: data.deviceId,
      enrolled: data.state === 'enrolled',
      fromFile: source === `/stance/${publisher.service}`,
      digest: digestOf(data),
    }),
  });
}

/** Makes the recorded devices those of an inventory file. */
export class InventorySync {
  constructor(
    private readonly table: DeviceTable,
    private readonly options: { readonly file: string; readonly retirementLimit: number; readonly now?: () => Date },
  ) {}

  /** Records what differs from the file. Rejects when NATS does not take it; what was recorded by then stays. */
  async apply(text: string): Promise<FileOutcome> {
    const { file, retirementLimit } = this.options;
    const inventory = await parseInventory(file, text);
    if (!inventory.ok) {
      return { applied: false, problems: inventory.problems.map((problem) => describeProblem(file, problem)) };
    }
    const plan = planInventory(inventory.devices, this.table.values(), retirementLimit);
    if (!plan.ok) return { applied: false, problems: [describeProblem(file, { message: plan.reason })] };
    const origin = this.originOf(text);
    await inParallel(plan.record, (device) => this.record(device, origin()));
    await inParallel(plan.retire, (deviceId) => this.retire(deviceId, origin()));
    return {
      applied: true,
      summary: { devices: inventory.devices.size, recorded: plan.record.length, retired: plan.retire.length },
    };
  }

  private async record(device: Device, origin: Origin): Promise<void> {
    const digest = digestOf(device);
    await this.table.write({ deviceId: device.deviceId }, origin, (stored) =>
      stored?.enrolled === true && stored.digest === digest ? undefined : { data: device },
    );
  }

  /** Leaves the device's id and state alone for whoever has yet to hear of it; what it was stands in the audit trail. */
  private async retire(deviceId: string, origin: Origin): Promise<void> {
    const data: Device = { deviceId, state: 'retired', hardware: {}, groups: [], tags: [] };
    await this.table.write({ deviceId }, origin, (stored) =>
      stored?.enrolled === true ? { data, retires: true } : undefined,
    );
  }

  /** One origin for each event of a file: the file names the input, each device's change has a trace of its own. */
  private originOf(text: string): () => Origin {
    const input = `inventory:${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
    const observedat = (this.options.now?.() ?? new Date()).toISOString();
    return () => ({ input, cause: { txn: input, observedat } });
  }
}

/** Works through items with a bound; after a failure nothing more is begun, and it rejects when all begun is done. */
async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const rest = items.values();
  const failures: unknown[] = [];
  const worker = async () => {
    for (const item of rest) {
      if (failures.length > 0) return;
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
