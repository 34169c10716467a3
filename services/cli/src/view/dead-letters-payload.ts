import { plain } from './text.js';

/** Deeper JSON stays as it came: a few bytes could have any number of blanks before them. */
const DEEPEST = 16;
const BASE64_COLUMNS = 76;

/** A payload as lines for a terminal: JSON indented, binary as base64. */
export function payloadLines(payload: string, encoding: 'utf8' | 'base64'): string[] {
  if (encoding === 'base64') return payload.match(BASE64_LINES)?.map(plain) ?? [];
  return (isJson(payload) ? indented(payload) : undefined) ?? payload.split('\n').map(plain);
}

const BASE64_LINES = new RegExp(`[^]{1,${BASE64_COLUMNS}}`, 'g');

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const TOKENS = /"(?:[^"\\]+|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * Well-formed JSON, indented token by token: parsed and written again it would lose keys that are there twice and the digits
 * of long numbers. Undefined where it is too deep.
 */
function indented(json: string): string[] | undefined {
  const lines: string[] = [];
  let line = '';
  let depth = 0;
  let opened = false;
  const newLine = () => {
    lines.push(plain(line));
    line = '  '.repeat(depth);
  };
  for (const [token] of json.matchAll(TOKENS)) {
    const closes = token === '}' || token === ']';
    if (closes) depth -= 1;
    if (opened !== closes) newLine();
    opened = token === '{' || token === '[';
    if (opened) depth += 1;
    if (depth > DEEPEST) return undefined;
    line += token === ':' ? ': ' : token;
    if (token === ',') newLine();
  }
  return [...lines, plain(line)];
}
