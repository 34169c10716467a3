import { z } from 'zod';
import { distributionOf, type Distribution } from '../../statistics.js';
import { deviceId } from '../played-engine.js';
import { Program } from '../program.js';

const CLOSING_LIMIT_MS = 30_000;

export interface CutSizes {
  /** WebSockets that are open. */
  readonly sockets: number;
  /** How many are cut one by one, for each way of doing so. */
  readonly singles: number;
  readonly atOnce: number;
  /** How often so many are cut at once: the round with the median p99 counts. */
  readonly rounds: number;
}

/** WebSocket clients in a process of their own; each says which device it is. */
export class Clients {
  private readonly program = Program.start(new URL('../programs/web-sockets.js', import.meta.url));

  async open(port: number, devices: readonly string[]): Promise<void> {
    const opened = await this.program.ask(z.number(), { do: 'open', port, devices });
    if (opened !== devices.length) throw new Error(`${opened} sockets are open, not ${devices.length}.`);
  }

  /** When each was closed by the other end, by the monotonic clock in milliseconds; waits for the last one. */
  async closed(devices: readonly string[]): Promise<number[]> {
    return this.program.ask(z.array(z.number()), { do: 'closed', devices, timeoutMs: CLOSING_LIMIT_MS });
  }

  /** How many are open. */
  async count(): Promise<number> {
    return this.program.ask(z.number(), { do: 'count' });
  }

  async closeAll(): Promise<void> {
    await this.program.ask(z.number(), { do: 'close all' });
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }
}

export const devicesOf = (count: number): string[] => Array.from({ length: count }, (_, index) => deviceId(index));

/** Cuts as many devices as the sizes say at once, a few times; `cut` resolves to the moment at which it begins. */
export async function cutAtOnce(
  clients: Clients,
  devices: string[],
  { atOnce, rounds }: CutSizes,
  cut: (devices: readonly string[]) => Promise<number>,
): Promise<Distribution> {
  const measured: Distribution[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const some = devices.splice(0, atOnce);
    const startedAt = await cut(some);
    const closed = await clients.closed(some);
    measured.push(distributionOf(closed.map((at) => at - startedAt)));
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_ROUNDS_MS));
  }
  const [median] = measured.toSorted((left, right) => left.p99 - right.p99).slice(Math.floor(rounds / 2));
  if (median === undefined) throw new Error('Nothing was cut: there has to be a round.');
  return median;
}

const BETWEEN_ROUNDS_MS = 1_000;
