import type { Denial } from '@stance/contracts';
import { lookUpDenial } from '@stance/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Denials } from './denials.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Milliseconds: a person waits for the page. */
const OTHERS_ANSWER_WITHIN_MS = 500;
/** Questions to the other replicas at a time; who asks for more than that is guessing. */
const MAX_QUESTIONS = 32;

/** Finds what somebody was told: a proxy may fetch the page from another replica than the one that denied. */
export class DenialFinder {
  private questions = 0;

  constructor(
    private readonly denials: Pick<Denials, 'get'>,
    private readonly connection: NatsConnection,
  ) {}

  /** At once where it was this replica; `undefined` where nobody knows, or nobody can be asked. Never rejects. */
  find(denialId: string): Denial | Promise<Denial | undefined> | undefined {
    const own = this.denials.get(denialId);
    if (own !== undefined || !UUID.test(denialId) || this.questions >= MAX_QUESTIONS) return own;
    return this.askOthers(denialId);
  }

  private async askOthers(denialId: string): Promise<Denial | undefined> {
    this.questions += 1;
    try {
      return (await lookUpDenial(this.connection, denialId, OTHERS_ANSWER_WITHIN_MS)).denial;
    } catch {
      // No link, or nobody who understands: then it cannot be shown, and the person is told that.
      return undefined;
    } finally {
      this.questions -= 1;
    }
  }
}
