import { setTimeout as sleep } from 'node:timers/promises';
import type { JsMsg, StoredMsg } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import {
  BreakGlassUsed,
  DecisionChanged,
  filterOf,
  OperatorActed,
  SessionEnded,
  SessionRevoked,
  STREAMS,
  subjectOf,
  type EventContract,
  type EventOf,
  type StreamDefinition,
} from '@stance/contracts';
import { StreamFollower } from '@stance/jetstream';
import { decodeOrSkip } from './read-table.js';
import {
  breakGlassHappening,
  decisionHappenings,
  endHappening,
  operationHappening,
  revocationHappening,
  type Happening,
} from './records/happenings.js';
import type { Stack } from './stack.js';

/** How many messages of the past are looked at per happening wanted: starts of sessions lie between their ends. */
const LOOK_BACK = 4;

export interface WatchOptions {
  /** How many of the past to begin with. */
  readonly last: number;
  /** One device only. */
  readonly deviceId: string | undefined;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** Calls `onHappening` for the last happenings, oldest first, and for each that comes until `signal` aborts. */
export async function watch(
  stack: Stack,
  { last, deviceId, signal }: WatchOptions,
  onHappening: (happening: Happening) => void,
): Promise<void> {
  const live = new InOrder(onHappening);
  const past: { readonly storedAt: number; readonly happenings: Promise<Happening[]> }[] = [];
  const followers: StreamFollower[] = [];
  try {
    for (const { stream, filter, read } of feeds(stack, deviceId)) {
      const end = (await stack.manager.streams.info(stream.name)).state.last_seq;
      // The messages of one device are few, and far between.
      const lookBack = deviceId === undefined ? last * LOOK_BACK : end;
      const sequence = last === 0 ? end + 1 : Math.max(1, end + 1 - lookBack);
      const follower = await StreamFollower.start(
        stack.connection,
        { stream: stream.name, filter, from: { sequence } },
        (message) => {
          if (message.seq <= end) past.push({ storedAt: Number(message.timestampNanos), happenings: read(message) });
          else live.add(throughOutages(() => read(message), signal));
        },
      );
      followers.push(follower);
    }
    if (last > 0) {
      for (const follower of followers) await follower.caughtUp(signal);
      past.sort((a, b) => a.storedAt - b.storedAt);
      const happenings = (await Promise.all(past.map((entry) => entry.happenings))).flat();
      for (const happening of happenings.slice(-last)) onHappening(happening);
    }
    live.release();
    await aborted(signal, live.failed);
  } finally {
    await Promise.all(followers.map((follower) => follower.stop()));
  }
}

interface Feed {
  readonly stream: StreamDefinition;
  readonly filter: string;
  readonly read: (message: JsMsg) => Promise<Happening[]>;
}

/** What is read, and how a message becomes happenings. */
function feeds(stack: Stack, deviceId: string | undefined): Feed[] {
  const only = deviceId === undefined ? {} : { deviceId };
  return [
    {
      stream: STREAMS.DECISIONS,
      filter: filterOf(DecisionChanged, only),
      read: async (message) => {
        const event = decoded(DecisionChanged, message);
        if (event === undefined) return [];
        return decisionHappenings(event, await decisionBefore(stack, message));
      },
    },
    {
      stream: STREAMS.REVOCATIONS,
      filter: filterOf(SessionRevoked, only),
      read: async (message) => {
        const event = decoded(SessionRevoked, message);
        return event === undefined ? [] : [revocationHappening(event)];
      },
    },
    {
      stream: STREAMS.SESSIONS,
      filter: filterOf(SessionEnded, only),
      read: async (message) => {
        const event = decoded(SessionEnded, message);
        if (event === undefined) return [];
        return [endHappening(event, event.data.cause === 'revoked' ? await revocationOf(stack, event) : undefined)];
      },
    },
    {
      stream: STREAMS.OPERATIONS,
      filter: filterOf(BreakGlassUsed),
      read: async (message) => {
        const event = decoded(BreakGlassUsed, message);
        if (event === undefined) return [];
        return deviceId === undefined || event.data.deviceId === deviceId ? [breakGlassHappening(event)] : [];
      },
    },
    {
      stream: STREAMS.OPERATIONS,
      filter: filterOf(OperatorActed),
      read: async (message) => {
        const event = decoded(OperatorActed, message);
        if (event === undefined) return [];
        const happening = operationHappening(event, await linkTakenBack(stack, event));
        return deviceId === undefined || happening.deviceId === deviceId ? [happening] : [];
      },
    },
  ];
}

function decoded<Contract extends EventContract>(
  contract: Contract,
  { data, subject }: Pick<StoredMsg, 'data' | 'subject'>,
): EventOf<Contract> | undefined {
  return decodeOrSkip(contract, data, subject);
}

/** The decision that a message replaced, if its stream still keeps it. */
async function decisionBefore({ manager }: Stack, { subject, seq }: JsMsg) {
  if (seq === 1) return undefined;
  const answers = await manager.direct.getLastMessagesFor(STREAMS.DECISIONS.name, {
    multi_last: [subject],
    up_to_seq: seq - 1,
  });
  for await (const message of answers) return decoded(DecisionChanged, message);
  return undefined;
}

async function revocationOf({ manager }: Stack, { data }: EventOf<typeof SessionEnded>) {
  const message = await manager.streams.getMessage(STREAMS.REVOCATIONS.name, {
    last_by_subj: subjectOf(SessionRevoked, data),
  });
  return message === null ? undefined : decoded(SessionRevoked, message);
}

/** The link that an unlink takes back. */
async function linkTakenBack(stack: Stack, { data }: EventOf<typeof OperatorActed>) {
  if (data.kind !== 'manual-unlink') return undefined;
  return (await stack.last(OperatorActed, { kind: 'manual-link', targetId: data.targetId })).event;
}

/** Passes on what is read, in the order in which it came, once {@link release} was called. */
class InOrder {
  private readonly released = Promise.withResolvers<void>();
  private readonly failure = Promise.withResolvers<never>();
  private queue: Promise<void> = this.released.promise;

  constructor(private readonly pass: (happening: Happening) => void) {
    // Looked at by whoever awaits `failed`.
    this.failure.promise.catch(() => undefined);
  }

  /** Rejects when something could not be read. */
  get failed(): Promise<never> {
    return this.failure.promise;
  }

  add(reading: Promise<Happening[]>): void {
    // Told once its turn comes.
    reading.catch(() => undefined);
    this.queue = this.passAfter(this.queue, reading);
  }

  release(): void {
    this.released.resolve();
  }

  private async passAfter(before: Promise<void>, reading: Promise<Happening[]>): Promise<void> {
    await before;
    try {
      for (const happening of await reading) this.pass(happening);
    } catch (error) {
      this.failure.reject(error);
    }
  }
}

/** How long to wait before a look-up that the server did not answer is tried again. */
const RETRY_MS = 250;

/** Reads again while the server is away: a watch outlives an outage, as its followers do. */
async function throughOutages<Result>(read: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      const isOutage = error instanceof errors.TimeoutError || error instanceof errors.RequestError;
      if (!isOutage || signal.aborted) throw error;
      await sleep(RETRY_MS);
    }
  }
}

async function aborted(signal: AbortSignal, failed: Promise<never>): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await Promise.race([promise, failed]);
}
