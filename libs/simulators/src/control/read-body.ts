import type { IncomingMessage } from 'node:http';
import { badRequest, ControlRefusal } from './control-refusal.js';

const MAX_BODY_BYTES = 1_000_000;

/** The JSON of a body; undefined for none. Refuses what is too large or no JSON. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    length += bytes.length;
    if (length > MAX_BODY_BYTES)
      throw new ControlRefusal(413, 'too-large', `The body is longer than ${MAX_BODY_BYTES} bytes`);
    chunks.push(bytes);
  }
  if (length === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw badRequest('The body is not JSON');
  }
}
