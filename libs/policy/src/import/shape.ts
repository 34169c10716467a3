import type { z } from 'zod';
import type { JsonSource, Path } from './json-source.js';
import type { ImportError } from './result.js';

const MAX_ERRORS = 100;

/** Where what stands at `base` has not the form that it should have. */
export function shapeErrors(issues: readonly z.core.$ZodIssue[], source: JsonSource, base: Path = []): ImportError[] {
  const found = issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ message: messageOf(issue), path: issue.path }];
    return issue.keys.map((key) => ({
      message: `${key.slice(0, 100)} is not known, nor what it restricts: take it out if it restricts nothing`,
      path: [...issue.path, key],
    }));
  });
  return found.slice(0, MAX_ERRORS).map(({ message, path }) => ({ message, ...source.locate([...base, ...path]) }));
}

function messageOf(issue: z.core.$ZodIssue): string {
  const name = issue.path.at(-1);
  const what = name === undefined ? '' : `${String(name).slice(0, 100)}: `;
  return what + issue.message.replace(/^Invalid input: /, '');
}
