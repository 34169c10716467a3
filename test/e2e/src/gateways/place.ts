import type { GatewayProcess } from '@stance/testing';
import { surroundings, type Surroundings } from './surroundings.js';
import { Visitor } from './visitor.js';

export interface GatewayUnderTest {
  /** Its gateway file of Stance, below `deploy/gateways`. */
  readonly gatewayFile: string;
  /** Starts it on its deployed configuration. */
  start(around: Surroundings): Promise<GatewayProcess>;
}

/** A gateway in front of an application, with Stance beside it. */
export class Place {
  private constructor(
    readonly gateway: GatewayProcess,
    readonly around: Surroundings,
    readonly visitor: Visitor,
  ) {}

  static async open(gateway: GatewayUnderTest): Promise<Place> {
    const around = await surroundings(gateway.gatewayFile);
    try {
      return new Place(await gateway.start(around), around, new Visitor(around.ports.site, around.serverCa));
    } catch (error) {
      await around.close();
      throw error;
    }
  }

  /** What an expectation throws, with the logs of both sides. */
  async explain(expectation: () => Promise<void>): Promise<void> {
    try {
      await expectation();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const logs = `The gateway said:\n${this.gateway.log.slice(-4_000)}\nStance said:\n${this.around.stance.log}`;
      throw new Error(`${message}\n\n${logs}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.gateway.stop();
    await this.around.close();
  }
}
