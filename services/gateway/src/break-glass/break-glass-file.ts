import { atLeast, atMost } from '@stance/contracts';
import { z } from 'zod';
import { yamlContent } from '../yaml-content.js';

/** The longest that an entry may hold, in milliseconds. */
const MAX_HOLD_MS = 4 * 60 * 60 * 1_000;

const said = z.string().trim().check(atLeast(1), atMost(1_000));

const entry = z.strictObject({
  /** The device's id, as it is proved. */
  device: z.string().check(atLeast(1), atMost(200)),
  resource: z.string().check(atLeast(1), atMost(200)),
  until: z.iso.datetime({ offset: true, error: 'has to be a time such as 2026-01-05T10:00:00Z' }),
  /** Who says so, and why: recorded. */
  by: said,
  reason: said,
});

/** A device that is let in to a resource whatever the policy says, until then. */
export interface Entry {
  readonly device: string;
  readonly resource: string;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly by: string;
  readonly reason: string;
}

export interface BreakGlassFile {
  readonly entries: readonly Entry[];
  /** What is wrong with the others, which do not count. */
  readonly refused: readonly string[];
}

/** Thrown for a file of which no entry counts, as it is no list. */
class BreakGlassFileInvalid extends Error {
  override readonly name = 'BreakGlassFileInvalid';
}

/**
 * Reads the content of a break-glass file. `modifiedAt` is when it was written last: an entry holds for at most 4 h from
 * then, and from now, whichever is earlier. Throws where it is no YAML, and where it is no list. Pure.
 */
export function parseBreakGlassFile(
  text: string,
  { modifiedAt, now }: { readonly modifiedAt: number; readonly now: number },
): BreakGlassFile {
  const latest = Math.min(modifiedAt, now) + MAX_HOLD_MS;
  const judged = listIn(text).map((item, index) => judge(item, `entry ${index + 1}`, { now, latest }));
  return {
    entries: judged.filter((outcome) => typeof outcome !== 'string'),
    refused: judged.filter((outcome) => typeof outcome === 'string'),
  };
}

function listIn(text: string): readonly unknown[] {
  const content = yamlContent(text);
  if (content === null || content === undefined) return [];
  if (!Array.isArray(content)) throw new BreakGlassFileInvalid('has to be a list of entries');
  return content;
}

/** The entry, or why it does not count. */
function judge(item: unknown, name: string, { now, latest }: { now: number; latest: number }): Entry | string {
  const parsed = entry.safeParse(item);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.map(String).join('.') || 'it'}: ${message}`,
    );
    return `${name}: ${problems.join('; ')}`;
  }
  const { device, resource } = parsed.data;
  const until = Date.parse(parsed.data.until);
  const whom = `${name} (${device} to ${resource})`;
  if (until <= now) return `${whom}: ended at ${parsed.data.until}`;
  if (until > latest) {
    return `${whom}: until ${parsed.data.until} is too far ahead: at most 4 h after the file was written, so ${new Date(latest).toISOString()}`;
  }
  return { ...parsed.data, until };
}
