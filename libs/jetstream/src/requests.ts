import { errors, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { Reply, RequestContract, RequestError } from '@stance/contracts';
import type { z } from 'zod';
import { inboxOf } from './connection.js';

/** The server's status for a question that nobody listens to. */
const NO_RESPONDERS = 503;

/** Thrown by a handler, and by {@link ask}, with the code that the caller sees. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';
  constructor(
    readonly code: RequestError['code'],
    message: string,
  ) {
    super(message);
  }
}

/** Thrown by {@link ask} when nobody answers. */
export class ServiceUnavailable extends Error {
  override readonly name = 'ServiceUnavailable';
}

/** Asks a service. Throws {@link RequestFailed} with its error, {@link ServiceUnavailable} when there is no answer. */
export async function ask<Contract extends RequestContract>(
  connection: NatsConnection,
  contract: Contract,
  input: z.input<Contract['input']>,
  { timeoutMs = 5_000 } = {},
): Promise<z.output<Contract['output']>> {
  try {
    return await request(connection, contract, input, timeoutMs);
  } catch (error) {
    if (error instanceof errors.TimeoutError) throw unavailable(contract, error);
    throw error;
  }
}

export interface AskEveryOptions<Contract extends RequestContract> {
  /** Default 2,000. */
  readonly timeoutMs?: number;
  /** Which answer counts; by default any. */
  readonly accepts?: (answer: z.output<Contract['output']>) => boolean;
  /** Called for each that does not, and for what is an error or no answer at all. */
  readonly onRefused?: () => void;
}

/**
 * Asks every replica of a service (`heardBy: 'every'`); resolves to the first answer that counts, or to `undefined` when none
 * came in time. Throws {@link ServiceUnavailable} when nobody listens.
 */
export async function askEvery<Contract extends RequestContract>(
  connection: NatsConnection,
  contract: Contract,
  input: z.input<Contract['input']>,
  { timeoutMs = 2_000, accepts = () => true, onRefused = () => undefined }: AskEveryOptions<Contract> = {},
): Promise<z.output<Contract['output']> | undefined> {
  try {
    for await (const reply of repliesOfAll(connection, contract.subject, JSON.stringify(input), timeoutMs)) {
      const answer = answerIn(contract, reply);
      if (!(answer instanceof Error) && accepts(answer)) return answer;
      onRefused();
    }
    return undefined;
  } catch (error) {
    if (error instanceof errors.NoRespondersError) throw unavailable(contract, error);
    throw error;
  }
}

/** Throws the client's `NoRespondersError` when nothing else came. */
async function* repliesOfAll(
  connection: NatsConnection,
  subject: string,
  payload: string,
  timeoutMs: number,
): AsyncGenerator<Msg> {
  const deadline = performance.now() + timeoutMs;
  try {
    yield* await connection.requestMany(subject, payload, { maxWait: timeoutMs });
  } catch (error) {
    if (!(error instanceof errors.NoRespondersError)) throw error;
    // The client ends there. But whoever listens could say as well that nobody does, to keep the others from being heard.
    const replies = repliesInSpite(connection, subject, payload, deadline - performance.now());
    const first = await replies.next();
    if (first.done === true) throw error;
    yield first.value;
    yield* replies;
  }
}

/** Takes no notice of who says that nobody listens. */
async function* repliesInSpite(
  connection: NatsConnection,
  subject: string,
  payload: string,
  timeoutMs: number,
): AsyncGenerator<Msg> {
  const inbox = inboxOf(connection);
  const replies = connection.subscribe(inbox);
  const timer = setTimeout(() => replies.unsubscribe(), Math.max(timeoutMs, 1));
  try {
    connection.publish(subject, payload, { reply: inbox });
    for await (const reply of replies) if (reply.headers?.code !== NO_RESPONDERS) yield reply;
  } finally {
    clearTimeout(timer);
    replies.unsubscribe();
  }
}

/** Throws the client's `TimeoutError` when whoever listens does not answer. */
async function request<Contract extends RequestContract>(
  connection: NatsConnection,
  contract: Contract,
  input: z.input<Contract['input']>,
  timeoutMs: number,
): Promise<z.output<Contract['output']>> {
  let message: Msg;
  try {
    message = await connection.request(contract.subject, JSON.stringify(input), { timeout: timeoutMs });
  } catch (error) {
    if (error instanceof errors.RequestError) throw unavailable(contract, error);
    throw error;
  }
  const answer = answerIn(contract, message);
  if (answer instanceof Error) throw answer;
  return answer;
}

/** What was answered, or why that is no answer. */
function answerIn<Contract extends RequestContract>(
  contract: Contract,
  message: Msg,
): z.output<Contract['output']> | Error {
  try {
    const reply = message.json<Reply<unknown>>();
    if ('error' in reply) return new RequestFailed(reply.error.code, reply.error.message);
    return contract.output.parse(reply.result) as z.output<Contract['output']>;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function unavailable({ service }: RequestContract, cause: unknown): ServiceUnavailable {
  return new ServiceUnavailable(`${service} does not answer: is it running and ready?`, { cause });
}

/** Answers one request: checks the input, runs the handler, turns its outcome into a reply. Never throws. */
export async function answer(
  contract: RequestContract,
  payload: Uint8Array,
  handle: (input: unknown) => Promise<unknown>,
): Promise<Reply<unknown>> {
  const input = contract.input.safeParse(parse(payload));
  if (!input.success) {
    const problems = input.error.issues.map(
      ({ path, message }) => `${path.map(String).join('.') || 'request'}: ${message}`,
    );
    return { error: { code: 'invalid-request', message: problems.join('; ') } };
  }
  try {
    return { result: await handle(input.data) };
  } catch (error) {
    if (error instanceof RequestFailed) return { error: { code: error.code, message: error.message } };
    return { error: { code: 'internal', message: `${contract.verb} failed; the service's log says why` } };
  }
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8') || '{}');
  } catch {
    // Not JSON: the schema then says what was expected.
    return undefined;
  }
}
