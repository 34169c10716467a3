import { jetstream, JetStreamApiError } from '@nats-io/jetstream';
import { errors, headers, type NatsConnection } from '@nats-io/transport-node';
import { STREAMS } from '@stance/contracts';
import { PATIENCE_MS } from '@stance/testing';

/** One message of a stream, with all that readers see of it. */
export interface Held {
  readonly stream: string;
  readonly sequence: number;
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Everything that the streams of Stance hold in the account of the connection's user, who may see it all. */
export async function holdingsOf(connection: NatsConnection, streams = coreStreams()): Promise<Held[]> {
  const held = await Promise.all(streams.map((stream) => heldIn(connection, stream)));
  return held.flat();
}

function coreStreams(): string[] {
  return Object.values(STREAMS)
    .map(({ name }) => name)
    .filter((name) => name !== 'STANCE_AUDIT');
}

async function heldIn(connection: NatsConnection, stream: string): Promise<Held[]> {
  const held: Held[] = [];
  for (;;) {
    const seq = (held.at(-1)?.sequence ?? 0) + 1;
    const answer = await call<Answer>(connection, `$JS.API.STREAM.MSG.GET.${stream}`, { seq, next_by_subj: '>' });
    if (answer === 'refused') throw new Error(`${stream} cannot be read`);
    if (answer.message === undefined) return held;
    const { message } = answer;
    held.push({
      stream,
      sequence: message.seq,
      subject: message.subject,
      headers: headersIn(decoded(message.hdrs)),
      text: decoded(message.data),
    });
  }
}

/** Of `STREAM.MSG.GET`; without a message where there is none from that sequence on. */
interface Answer {
  readonly message?: { readonly seq: number; readonly subject: string; readonly hdrs?: string; readonly data?: string };
}

function decoded(base64 = ''): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

function headersIn(block: string): Record<string, string> {
  const lines = block.split('\r\n').slice(1);
  return Object.fromEntries(
    lines.filter((line) => line.includes(':')).map((line) => line.split(/:\s*(.*)/s).slice(0, 2)),
  ) as Record<string, string>;
}

/** Stores a message, and says what came of it. */
export async function store(
  connection: NatsConnection,
  subject: string,
  text: string,
  marks: Readonly<Record<string, string>> = {},
): Promise<{ readonly refused?: string; readonly duplicate?: boolean }> {
  const all = headers();
  for (const [name, value] of Object.entries(marks)) all.set(name, value);
  try {
    const { duplicate } = await jetstream(connection).publish(subject, text, { headers: all, timeout: PATIENCE_MS });
    return { duplicate };
  } catch (error) {
    if (error instanceof JetStreamApiError) return { refused: error.message };
    throw error;
  }
}

/** An answer of the API of JetStream. */
export type Answered<Fields extends object> = Partial<Fields> & { readonly error?: { readonly description?: string } };

/** What the API of JetStream answers; `refused` where the server lets nobody ask, or nobody answers. */
export async function call<Fields extends object = object>(
  connection: NatsConnection,
  subject: string,
  body: object | string = '',
): Promise<Answered<Fields> | 'refused'> {
  try {
    const answer = await connection.request(subject, typeof body === 'string' ? body : JSON.stringify(body), {
      timeout: PATIENCE_MS,
    });
    return answer.json<Answered<Fields>>();
  } catch (error) {
    // Not permitted, or nobody listens there: the same to whoever tries.
    if (error instanceof errors.PermissionViolationError || error instanceof errors.RequestError) return 'refused';
    throw error;
  }
}

/** The subjects of what a user hears on a subject from now on. */
export function listenTo(connection: NatsConnection, subject: string, heard: string[] = []): string[] {
  connection.subscribe(subject, {
    callback: (error, message) => {
      if (error === null) heard.push(message.subject);
    },
  });
  return heard;
}
