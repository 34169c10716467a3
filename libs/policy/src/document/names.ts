import { suggestion } from '../nearest.js';

/** What a policy names that other parts of it may refer to. */
export interface Names {
  readonly postures: ReadonlySet<string>;
  readonly resources: ReadonlySet<string>;
}

/** The message for a resource that is behind no gateway. */
export function notServed(resource: string, resources: ReadonlySet<string>): string {
  return `no gateway serves ${resource.slice(0, 100)}${hint(resource, resources)}`;
}

/** The message for a name that refers to nothing. */
export function unknownName(what: string, name: string, names: ReadonlySet<string>): string {
  return `there is no ${what} ${name.slice(0, 100)}${hint(name, names)}`;
}

/** Of more names than these, the nearest is not looked for: it would take seconds. */
const MOST_CANDIDATES = 2000;

/** `, did you mean X?` where a name is close, else nothing. */
export const hint = (name: string, names: ReadonlySet<string>): string =>
  names.size > MOST_CANDIDATES ? '' : suggestion(name, names);
