import { waitFor } from '@stance/testing';
import type { ClusterStack } from './cluster-stack.js';
import type { Ledger } from './ledger.js';
import { ask, EndlessDownload } from './visitor.js';

/** Changes come from the devices below this, in turns of infection and cleaning; the others change harmlessly. */
export const STRUCK = 12;
export const DEVICES = 18;
/** Of three devices one reaches payroll by a live connection, the others request by request. */
const isLive = (index: number) => index % 3 === 0;

/** Longer than any election, restart and catching up together on a busy machine. */
const PATIENCE_MS = 90_000;
/**
 * Between two changes of a device. Streams keep the last 16 facts of each: faster, and the facts would be gone before an audit
 * that a dead leader held up for half a minute comes back to them.
 */
const PACE_MS = 2_000;

/** A steady stream of posture changes, and what each of them has to lead to. */
export class Workload {
  /** Milliseconds from each infection to the end of the session, as the account of Stance has it. */
  readonly reactions: { readonly at: number; readonly ms: number }[] = [];
  /** Devices that are infected now. */
  readonly infected = new Set<string>();
  readonly downloads: EndlessDownload[] = [];
  private going = true;
  private lives: Promise<void>[] = [];

  constructor(
    private readonly stack: ClusterStack,
    private readonly ledger: Ledger,
  ) {}

  /** Opens a session of each device at both resources, then begins to change devices. */
  async begin(): Promise<void> {
    const devices = Array.from({ length: DEVICES }, (_, index) => index);
    const calm = devices.filter((index) => index >= STRUCK);
    await Promise.all([
      ...devices.map((index) => this.enter(`d${index}`, 'wiki')),
      ...calm.map((index) => this.enter(`d${index}`, 'payroll')),
    ]);
    for (const index of calm.filter(isLive)) this.downloads.push(new EndlessDownload(this.stack, `d${index}`));
    this.lives = devices.map((index) => (index < STRUCK ? this.struckLife(index) : this.calmLife(`d${index}`)));
    // Looked at in `end`.
    for (const life of this.lives) life.catch(() => undefined);
  }

  /**
   * Every device completes its turn, which ends each session that it had at payroll; every second one stays infected. Rejects
   * with what did not come about.
   */
  async end(): Promise<void> {
    this.going = false;
    await Promise.all(this.lives);
  }

  /** Resolves when a session is over whose device was infected after this call. */
  async nextRevocation(): Promise<void> {
    const from = performance.now();
    await this.eventually(() => this.reactions.some(({ at }) => at > from), 'another revocation');
  }

  private async struckLife(index: number): Promise<void> {
    const deviceId = `d${index}`;
    // Each at another time: whatever is restarted, somebody is just being revoked.
    await pause((2 * PACE_MS * index) / STRUCK);
    for (;;) {
      await this.enter(deviceId, 'payroll');
      const live = isLive(index) ? new EndlessDownload(this.stack, deviceId) : undefined;
      if (live !== undefined) await this.eventually(() => live.isOpen, `${deviceId} to be connected`);
      await pause();
      const isLast = !this.going;
      const begun = performance.now();
      this.infected.add(deviceId);
      this.stack.infect(deviceId);
      const isOver = () => this.ledger.openSession(deviceId, 'payroll') === undefined;
      await this.eventually(isOver, `the session of ${deviceId} to be revoked`);
      this.reactions.push({ at: begun, ms: performance.now() - begun });
      await this.eventually(() => live?.isOpen !== true, `${deviceId} to be cut off`);
      await live?.stop();
      await this.shutOut(deviceId);
      if (isLast && index % 2 === 0) return;
      this.infected.delete(deviceId);
      this.stack.clean(deviceId);
      if (isLast) return;
      await pause();
    }
  }

  private async calmLife(deviceId: string): Promise<void> {
    for (let change = 1; this.going; change += 1) {
      this.stack.upgradeAgent(deviceId, `24.2.${change}.1`);
      await pause();
    }
  }

  /** Asks until a gateway lets the device in; resolves to the session once its stream has it. */
  private async enter(deviceId: string, resource: string): Promise<string> {
    let turn = 0;
    return this.eventually(async () => {
      if ((await ask(this.stack, deviceId, resource, turn)) === 'let in')
        return this.ledger.openSession(deviceId, resource);
      turn += 1;
      return undefined;
    }, `a session of ${deviceId} at ${resource}`);
  }

  /** Each replica of the gateway denies the device. */
  private async shutOut(deviceId: string): Promise<void> {
    for (const turn of [0, 1]) {
      await this.eventually(
        async () => (await ask(this.stack, deviceId, 'payroll', turn)) === 'denied',
        `${deviceId} to be denied by gateway ${turn}`,
      );
    }
  }

  private eventually<Value>(look: () => Value | Promise<Value>, what: string) {
    return waitFor(look, { what, timeoutMs: PATIENCE_MS, intervalMs: 100 });
  }
}

function pause(ms = PACE_MS): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
