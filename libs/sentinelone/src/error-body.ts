import { isJsonObject, isMissing, type JsonObject } from './json.js';
import { redact } from './redact.js';
import type { ConsoleProblem } from './sentinelone.errors.js';

const MAX_TEXT = 300;

/**
 * Reads what an error answer says, in all the forms seen: `{errors: [{code, title, detail}]}`, `message` or `name`
 * instead of `title`, `{error: {errors: [...]}}`, a single object or text, an HTML page, nothing.
 * The first error counts; the API token is taken out wherever it is echoed.
 */
export function readErrorBody(body: string, token: string): ConsoleProblem {
  const text = (value: unknown): string | undefined => readText(value, token);
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // Not JSON: a proxy or load balancer answered, whose page title says the most.
    const page = /<title[^>]*>([^<]*)<\/title>/i.exec(body)?.[1] ?? body.replace(/<[^>]*>/g, ' ');
    return { detail: text(page) };
  }
  const error = firstError(parsed);
  if (!isJsonObject(error)) return { detail: text(error) };
  return {
    code: readCode(error['code']),
    title: text(error['title']) ?? text(error['message']) ?? text(error['name']),
    detail: text(error['detail']),
  };
}

/** The errors that an answer of a successful status may still carry; undefined when it carries none. */
export function readEmbeddedError(answer: JsonObject, token: string): ConsoleProblem | undefined {
  const { errors, error } = answer;
  const none = [errors, error].every((value) => isMissing(value) || (Array.isArray(value) && value.length === 0));
  return none ? undefined : readErrorBody(JSON.stringify({ errors, error }), token);
}

function firstError(body: unknown): unknown {
  if (!isJsonObject(body)) return Array.isArray(body) ? firstError(body[0]) : body;
  const inner = body['errors'] ?? body['error'];
  if (isMissing(inner) || (Array.isArray(inner) && inner.length === 0)) return body;
  return firstError(inner);
}

function readCode(value: unknown): number | undefined {
  const code = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof code === 'number' && Number.isInteger(code) ? code : undefined;
}

function readText(value: unknown, token: string): string | undefined {
  if (isMissing(value)) return undefined;
  const whole = redact(typeof value === 'string' ? value : JSON.stringify(value), token);
  const text = whole.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  if (text === '') return undefined;
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
