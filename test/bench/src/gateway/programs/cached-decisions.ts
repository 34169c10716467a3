import { decodeEvent, DecisionChanged, type DataOf } from '@stance/contracts';
import { z } from 'zod';
import { answering } from './answering.js';
import { decisionPayload } from './decision-payloads.js';
import { heapInUse } from './heap.js';

/** What a gateway's cache of decisions takes, and how fast it fills: each is read from its own bytes, as from the stream. */
const commands = z.object({ do: z.literal('fill'), decisions: z.number(), owned: z.boolean() });

/** As much of the SDK's cache as is measured; it is not part of what the SDK offers, so it comes from its build. */
interface Cache {
  apply(decision: DataOf<typeof DecisionChanged>, sequence: number): boolean;
  readonly size: number;
}
const CACHE = new URL('../../../../../libs/gateway-sdk/dist/decision-cache.js', import.meta.url);
const sdk = z.object({ DecisionCache: z.custom<new () => Cache>((value) => typeof value === 'function') });

const BATCH = 10_000;

async function fill({ decisions, owned }: z.infer<typeof commands>) {
  const { DecisionCache } = sdk.parse(await import(CACHE.href));
  // The code is warm and its tables are there before anything is weighed.
  fillCache(new DecisionCache(), BATCH, owned);
  const cache = new DecisionCache();
  const before = heapInUse();
  const { decodeSeconds, applySeconds } = fillCache(cache, decisions, owned);
  const bytes = (heapInUse() - before) / decisions;
  if (cache.size !== decisions) throw new Error(`${cache.size} of ${decisions} decisions were taken`);
  return {
    bytesEach: bytes,
    perSecond: decisions / (decodeSeconds + applySeconds),
    appliedPerSecond: decisions / applySeconds,
  };
}

function fillCache(cache: Cache, decisions: number, owned: boolean) {
  let decodeSeconds = 0;
  let applySeconds = 0;
  for (let from = 0; from < decisions; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, decisions - from) }, (_, index) =>
      decisionPayload('bench', from + index, { owned }),
    );
    const startedAt = performance.now();
    const read = batch.map(({ subject, payload }) => decodeEvent(DecisionChanged, payload, subject).data);
    const readAt = performance.now();
    for (const [index, decision] of read.entries()) cache.apply(decision, from + index + 1);
    decodeSeconds += (readAt - startedAt) / 1_000;
    applySeconds += (performance.now() - readAt) / 1_000;
  }
  return { decodeSeconds, applySeconds };
}

answering(commands, fill);
