import { readEmbeddedError } from './error-body.js';
import { isJsonObject, isMissing, type JsonObject } from './json.js';
import type { AnswerSpan, Page } from './paging.js';
import { MalformedAnswer } from './sentinelone.errors.js';

/** A successful answer. */
export interface ConsoleAnswer extends AnswerSpan {
  readonly body: JsonObject;
  /** As its Date header has it, in milliseconds since the epoch; undefined where it has none. */
  readonly consoleTime: number | undefined;
}

/**
 * Reads the body of a successful answer, which must be a JSON object without errors in it.
 * @throws {MalformedAnswer}
 */
export function readAnswer(body: string, endpoint: string, token: string): JsonObject {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    // The parser's own message quotes the body, and so perhaps a token echoed in it.
    throw new MalformedAnswer(endpoint, describeNonJson(body));
  }
  if (!isJsonObject(answer)) throw new MalformedAnswer(endpoint, 'it is JSON, but not an object');
  const embedded = readEmbeddedError(answer, token);
  if (embedded !== undefined) {
    throw new MalformedAnswer(endpoint, embedded.detail ?? 'it reports an error with a successful status', embedded);
  }
  return answer;
}

/**
 * Reads a page of a listing: `data` is a list, or an object that holds it as `within`; `pagination` is an object or
 * missing.
 * @throws {MalformedAnswer}
 */
export function readPage(
  { body, ...times }: ConsoleAnswer,
  { endpoint, within }: { endpoint: string; within?: string | undefined },
): Page {
  const { data, pagination } = body;
  const records = within === undefined || !isJsonObject(data) ? data : data[within];
  if (!Array.isArray(records)) {
    throw new MalformedAnswer(endpoint, `\`data${within === undefined ? '' : `.${within}`}\` is not a list`);
  }
  if (!isMissing(pagination) && !isJsonObject(pagination))
    throw new MalformedAnswer(endpoint, '`pagination` is not an object');
  return {
    records,
    nextCursor: readCursor(pagination?.['nextCursor'], endpoint),
    totalItems: readTotal(pagination?.['totalItems'], endpoint),
    ...times,
  };
}

/**
 * Reads `data` where it is one object.
 * @throws {MalformedAnswer}
 */
export function readData(answer: JsonObject, endpoint: string): JsonObject {
  const { data } = answer;
  if (!isJsonObject(data)) throw new MalformedAnswer(endpoint, '`data` is not an object');
  return data;
}

function readCursor(value: unknown, endpoint: string): string | null | undefined {
  if (value === undefined || value === '') return undefined;
  if (value === null || typeof value === 'string') return value;
  throw new MalformedAnswer(endpoint, '`pagination.nextCursor` is neither text nor null');
}

function readTotal(value: unknown, endpoint: string): number | undefined {
  if (isMissing(value)) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new MalformedAnswer(endpoint, '`pagination.totalItems` is not a count');
}

function describeNonJson(body: string): string {
  if (body.trim() === '') return 'it is empty';
  if (/^\s*</.test(body)) return 'it is an HTML page; a proxy or login page answers instead of the console';
  return 'it is not valid JSON';
}
