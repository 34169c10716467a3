import type { Clock } from './clock.js';

/** No answer: a timeout or a broken connection. The message names the cause and, where one is known, the remedy. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** The answer is larger than this client is willing to hold. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge';
}

export interface Exchange {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds for the whole answer, its body included. */
  readonly timeoutMs: number;
  /** The largest body taken, in bytes after decompression. */
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/**
 * One GET, without following redirects: where the token goes is nobody else's choice.
 * @throws {NoAnswer} on a timeout or broken connection
 * @throws {AnswerTooLarge}
 * @throws the signal's reason once it is aborted
 */
export async function exchange(request: Exchange): Promise<Answer> {
  const { clock, signal } = request;
  signal?.throwIfAborted();
  const controller = new AbortController();
  const expire = (): void => controller.abort(new NoAnswer(`no complete answer within ${request.timeoutMs / 1000} s`));
  const cancelTimeout = clock.schedule(expire, request.timeoutMs);
  const abort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const response = await request.fetch(request.url, {
      headers: request.headers,
      redirect: 'manual',
      signal: controller.signal,
    });
    return { status: response.status, headers: response.headers, body: await readBody(response, request.maxBytes) };
  } catch (error) {
    if (controller.signal.aborted) throw controller.signal.reason;
    if (error instanceof AnswerTooLarge) throw error;
    throw new NoAnswer(describeFailure(error));
  } finally {
    cancelTimeout();
    signal?.removeEventListener('abort', abort);
  }
}

async function readBody(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> = response.body;
  for await (const chunk of body) {
    size += chunk.byteLength;
    // Leaving the loop cancels the body and with it the connection.
    if (size > maxBytes) throw new AnswerTooLarge(`the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks, size));
}

const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'the host name is not known, check the console URL and DNS'],
  [/^ECONNREFUSED$/, 'nothing listens there, check the console URL and any proxy'],
  [
    /^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/,
    'the host is out of reach, check firewalls and any proxy',
  ],
  [/WRONG_VERSION_NUMBER|^EPROTO$/, 'no TLS is spoken there, check the port of the console URL'],
  [/CERT|SIGNATURE|ISSUER/, 'the certificate is not trusted; for a company proxy set NODE_EXTRA_CA_CERTS'],
];

/** Names the cause of a failed fetch by its codes alone: their messages can quote a header, and so the token. */
function describeFailure(error: unknown): string {
  const code = failureCode(error) ?? 'the connection broke';
  const remedy = REMEDIES.find(([pattern]) => pattern.test(code))?.[1];
  return remedy === undefined ? code : `${code}: ${remedy}`;
}

function failureCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'cause' in error ? failureCode(error.cause) : undefined;
}
