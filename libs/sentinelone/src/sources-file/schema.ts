import { atLeast, encodeToken, UnusableId } from '@stance/contracts';
import { z } from 'zod';
import { InvalidConsoleUrl, normaliseConsoleUrl } from '../console-url.js';
import { suggestion } from './nearest.js';

const DURATION = 'has to be a duration such as 10s, 15m or 24h';
const PERCENT = 'has to be a whole percentage from 1 to 100, such as 10';

const name = z
  .string('has to be a text')
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u, 'has to begin with a letter or digit and to hold only those and . _ -')
  .refine(isId, 'is too long for an id');

const url = z.string('has to be a text').transform((pasted, context) => {
  try {
    return normaliseConsoleUrl(pasted);
  } catch (error) {
    if (!(error instanceof InvalidConsoleUrl)) throw error;
    context.issues.push({ code: 'custom', message: error.message, input: pasted });
    return z.NEVER;
  }
});

const ids = z
  .array(
    z.string('has to be an id').regex(/^[\x21-\x2b\x2d-\x7e]{1,64}$/, 'has to be an id, as the console shows it'),
    {
      error: 'has to be a list of ids, such as ["225494730938493804"]',
    },
  )
  .check(atLeast(1, 'has to name at least one id; leave it out for all'));
const duration = z.string(DURATION).regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, DURATION);
const percent = z
  .string(PERCENT)
  .regex(/^(100|[1-9]\d?) ?%?$/, PERCENT)
  .transform((text) => Number.parseInt(text, 10));
const text = z.string('has to be a text').trim().check(atLeast(1, 'has to be a text that is not empty'));

/** One console of a sources file, every scalar still being text. */
const sourceFields = z.strictObject({
  name,
  url,
  tokenFile: text.optional(),
  token: text.optional(),
  siteIds: ids.optional(),
  accountIds: ids.optional(),
  pollInterval: duration.optional(),
  sweepInterval: duration.optional(),
  retirementLimit: percent.optional(),
  freshnessStep: duration.optional(),
});

export type SourceFields = z.infer<typeof sourceFields>;

/** A problem of one entry; `field` undefined: of the entry itself. */
export interface FieldProblem {
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly at?: 'key';
}

/** The fields of one entry, or all that is wrong with it. Never quotes a value: it may be the token. */
export function readFields(entry: Readonly<Record<string, unknown>>): SourceFields | readonly FieldProblem[] {
  const { success, data, error } = sourceFields.safeParse(entry);
  const problems = success ? [] : error.issues.flatMap((issue) => problemsOf(issue, entry));
  if ('token' in entry === 'tokenFile' in entry) {
    const given = 'token' in entry;
    problems.push({
      message: given ? 'has token and tokenFile: keep one of them' : 'has neither tokenFile nor token',
      path: given ? ['token'] : [],
    });
  }
  return success && problems.length === 0 ? data : problems;
}

function problemsOf(issue: z.core.$ZodIssue, entry: Readonly<Record<string, unknown>>): FieldProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const fields = Object.keys(sourceFields.shape);
    return issue.keys.map((key) => ({
      message: `there is no field ${key.slice(0, 60)}${suggestion(key, fields) || `; there are ${fields.join(', ')}`}`,
      path: [key],
      at: 'key',
    }));
  }
  const [field] = issue.path;
  if (issue.path.length === 1 && !Object.hasOwn(entry, String(field))) {
    return [{ message: `${String(field)} is missing`, path: [] }];
  }
  const ownWords = field === 'url' && issue.code === 'custom';
  return [{ message: ownWords ? issue.message : `${String(field)} ${issue.message}`, path: issue.path }];
}

function isId(value: string): boolean {
  try {
    encodeToken(value);
    return true;
  } catch (error) {
    if (error instanceof UnusableId) return false;
    throw error;
  }
}
