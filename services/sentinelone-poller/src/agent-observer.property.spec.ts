import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { createLogger } from '@stance/service-kit';
import * as fc from 'fast-check';
import { AgentObserver } from './agent-observer.js';
import type { KnownAgent } from './known-agent.js';

type Table = ConstructorParameters<typeof AgentObserver>[1];

const SOURCE = 'console';
const EPOCH = Date.parse('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;

/** The agent's record changes; silently, when its `updatedAt` stays as it was. */
interface Change {
  readonly at: number;
  readonly isSilent: boolean;
  /** How far the console's clock is off by then. */
  readonly consoleOffset: number;
}

/** One lane's request: sent, answered with what was so at that time, received. */
interface Request {
  readonly askedAt: number;
  readonly takenAt: number;
  readonly answeredAt: number;
  /** How far our own clock is off when the answer is received. */
  readonly ownOffset: number;
}

const offset = fc.constantFrom(0, 0, -2 * HOUR, HOUR);
const silent = fc.boolean();
const duration = fc.integer({ min: 1, max: 40 });

const changesWith = (isSilent: fc.Arbitrary<boolean>, consoleOffset: fc.Arbitrary<number>) =>
  fc.array(fc.record<Change>({ at: fc.integer({ min: 0, max: 300 }), isSilent, consoleOffset }), { maxLength: 6 });

/** One request after the other, with pauses between them. */
const lane = fc
  .array(fc.record({ pause: duration, there: duration, back: duration, ownOffset: offset }), { maxLength: 8 })
  .map((steps) => {
    let now = 0;
    return steps.map(({ pause, there, back, ownOffset }): Request => {
      const askedAt = now + pause;
      const takenAt = askedAt + there;
      now = takenAt + back;
      return { askedAt, takenAt, answeredAt: now, ownOffset };
    });
  });

const requestsOf = fc
  .tuple(lane, lane)
  .map((lanes) => lanes.flat().toSorted((one, other) => one.answeredAt - other.answeredAt));

/** The record as it was at a time; every other change takes the one before back. */
function stateAt(changes: readonly Change[], time: number) {
  let [version, updatedAt] = [0, EPOCH];
  for (const change of changes.toSorted((one, other) => one.at - other.at)) {
    if (change.at > time) break;
    version += 1;
    if (!change.isSilent) updatedAt = EPOCH + version + change.consoleOffset;
  }
  return { hostname: version % 2 === 0 ? 'clean' : 'infected', updatedAt };
}

/** A table whose writes take a while, one after the other for a key, as those to a stream do. */
function slowTable() {
  let known: KnownAgent | undefined;
  let hostname: string | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let sequence = 0;
  const table: Table = {
    get: () => known,
    write: (_keys, _origin, decide) => {
      const write = last.then(async () => {
        const wanted = decide(known);
        if (wanted === undefined) return undefined;
        await nextTurn();
        known = wanted.value;
        ({ hostname } = wanted.data.hardware);
        return (sequence += 1);
      });
      last = write;
      return write;
    },
  };
  return { table, hostname: () => hostname };
}

function world(changes: readonly Change[]) {
  const { table, hostname } = slowTable();
  const logger = createLogger('sentinelone-poller', 'silent');
  const observer = new AgentObserver(SOURCE, table, HOUR, () => undefined, logger);
  return {
    known: hostname,
    truthAt: (time: number) => stateAt(changes, time).hostname,
    receive: async ({ askedAt, takenAt, answeredAt, ownOffset }: Request) => {
      const { hostname: computerName, updatedAt } = stateAt(changes, takenAt);
      const record = { id: '7', computerName, updatedAt: new Date(updatedAt).toISOString() };
      const receivedAt = EPOCH + answeredAt + ownOffset;
      const page = { agents: [record], nextCursor: null, totalItems: 1, receivedAt, askedAt, answeredAt };
      return observer.observe(page);
    },
  };
}

describe('answers that overtake each other', () => {
  it('leave what is true after one more that nothing disturbs, whatever the clocks say', async () => {
    await fc.assert(
      fc.asyncProperty(changesWith(silent, offset), requestsOf, offset, async (changes, requests, ownOffset) => {
        const { receive, truthAt, known } = world(changes);
        const pages = [];
        for (const request of requests) pages.push(await receive(request));
        await Promise.all(pages.map(({ stored }) => stored));
        const { stored } = await receive({ askedAt: 1_000, takenAt: 1_001, answeredAt: 1_002, ownOffset });
        await stored;
        expect(known()).toBe(truthAt(1_001));
      }),
    );
  });

  it('never lose one that was asked for after all the others were received', async () => {
    await fc.assert(
      fc.asyncProperty(changesWith(silent, offset), requestsOf, async (changes, requests) => {
        const { receive, truthAt, known } = world(changes);
        let receivedLast = -Infinity;
        const told: (string | undefined)[] = [];
        const truth: string[] = [];
        for (const request of requests) {
          const { stored } = await receive(request);
          await stored;
          const isUndisturbed = request.askedAt >= receivedLast;
          receivedLast = Math.max(receivedLast, request.answeredAt);
          if (!isUndisturbed) continue;
          told.push(known());
          truth.push(truthAt(request.takenAt));
        }
        expect(told).toEqual(truth);
      }),
    );
  });

  it('come to the same, however long it takes to store what they show', async () => {
    await fc.assert(
      fc.asyncProperty(changesWith(silent, offset), requestsOf, async (changes, requests) => {
        const [patient, hurried] = [world(changes), world(changes)];
        const first = { askedAt: -3, takenAt: -2, answeredAt: -1, ownOffset: 0 };
        for (const { receive } of [patient, hurried]) await (await receive(first)).stored;
        const pages = [];
        for (const request of requests) await (await patient.receive(request)).stored;
        for (const request of requests) pages.push(await hurried.receive(request));
        await Promise.all(pages.map(({ stored }) => stored));
        expect(hurried.known()).toBe(patient.known());
      }),
    );
  });

  it('never undo what a later one showed, where the console stamps every change and clocks are right', async () => {
    await fc.assert(
      fc.asyncProperty(changesWith(fc.constant(false), fc.constant(0)), requestsOf, async (changes, requests) => {
        const { receive, truthAt, known } = world(changes);
        let takenLast = -Infinity;
        for (const request of requests) {
          takenLast = Math.max(takenLast, request.takenAt);
          const { stored } = await receive({ ...request, ownOffset: 0 });
          await stored;
          expect(known()).toBe(truthAt(takenLast));
        }
      }),
    );
  });
});
