import type { ClusterStack } from './cluster-stack.js';
import { download } from '../endless-application.js';

/** What a gateway answered; `away` where none did, as while its replica is replaced. */
export type Answer = 'let in' | 'denied' | 'away';

/** A proxy's question for a device, to the replicas of the gateway in turn. */
export async function ask(stack: ClusterStack, deviceId: string, resource: string, turn: number): Promise<Answer> {
  const replicas = stack.at('gateway');
  const url = replicas[turn % replicas.length]?.authorizeUrl;
  if (url === undefined) return 'away';
  try {
    const { status } = await fetch(`${url}/authorize/${resource}`, { headers: headersOf(deviceId) });
    return status === 200 ? 'let in' : 'denied';
  } catch (error) {
    if (error instanceof TypeError) return 'away';
    throw error;
  }
}

/** A download from payroll that is begun again, at whichever replica answers, whenever it breaks off. */
export class EndlessDownload {
  isOpen = false;
  private wanted = true;
  private readonly over: Promise<void>;

  constructor(
    private readonly stack: ClusterStack,
    readonly deviceId: string,
  ) {
    this.over = this.run();
  }

  /** Begins no other; resolves when the last one is over. */
  async stop(): Promise<void> {
    this.wanted = false;
    await this.over;
  }

  private async run(): Promise<void> {
    for (let turn = 0; this.wanted && !this.stack.isClosed; turn += 1) {
      const replicas = this.stack.at('gateway');
      const url = replicas[turn % replicas.length]?.relayUrl;
      if (url !== undefined) await this.once(url);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  private async once(url: string): Promise<void> {
    try {
      const { ended } = await download(url, headersOf(this.deviceId));
      this.isOpen = true;
      await ended;
    } catch (error) {
      // Denied, or nobody there: the next turn asks again.
      if (!(error instanceof Error)) throw error;
    } finally {
      this.isOpen = false;
    }
  }
}

function headersOf(deviceId: string): Record<string, string> {
  return { 'x-stance-device': deviceId };
}
