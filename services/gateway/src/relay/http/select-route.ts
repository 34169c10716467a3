import type { HttpRelay } from '../../file/relays.js';

export type Route = HttpRelay['routes'][number];

/** Which route a request takes, and what its upstream is asked for: the target as it came, in origin form. */
export type Selection =
  | { readonly outcome: 'selected'; readonly route: Route; readonly target: string }
  | { readonly outcome: 'refused'; readonly why: string }
  | { readonly outcome: 'nowhere' };

interface Asked {
  /** The request target, as it came. */
  readonly target: string;
  /** The value of the only Host header. */
  readonly host: string;
}

/**
 * The first route whose host and path fit. Whatever the relay and an upstream could read in two ways is refused: only then is
 * the resource that was judged the resource that is reached. Pure.
 */
export function selectRoute(routes: readonly Route[], { target, host }: Asked): Selection {
  const hostName = hostNameOf(host);
  if (hostName === undefined) return refused('The Host header names no host.');
  if (!/^[\x21-\x7e]+$/.test(target)) return refused('The request target has characters that have to be encoded.');
  const parts = /^(?:https?:\/\/(?<authority>[^/?#]+))?(?<path>\/[^?#]*)(?<query>\?[^#]*)?$/i.exec(target)?.groups;
  if (parts === undefined) return refused('The request target is no path.');
  const { authority, path = '', query = '' } = parts;
  if (authority !== undefined && authority.toLowerCase() !== host.toLowerCase()) {
    return refused('The request target and the Host header name different hosts.');
  }
  const readings = readingsOf(path);
  if (typeof readings === 'string') return refused(readings);
  return routeOf(routes, hostName, readings, path + query);
}

function routeOf(routes: readonly Route[], host: string, readings: Readings, target: string): Selection {
  const route = routes.find((each) => isForHost(each, host) && isUnder(each.path, readings.raw));
  const isSame = (path: string) =>
    route === routes.find((each) => isForHost(each, host) && isUnder(each.path.toLowerCase(), path));
  if (!isSame(readings.lowered) || !isSame(readings.normalized)) {
    return refused('The path could be read as that of another resource: write it as the resource is configured.');
  }
  return route === undefined ? { outcome: 'nowhere' } : { outcome: 'selected', route, target };
}

/** How upstreams may read a path: as it is, in any case, or decoded and with look-alikes (Unicode NFKC) made one. */
interface Readings {
  readonly raw: string;
  readonly lowered: string;
  readonly normalized: string;
}

/** The readings of a path, or what is wrong with it. */
function readingsOf(raw: string): Readings | string {
  if (/%(?:2f|5c)/i.test(raw)) return 'The path has an encoded slash or backslash.';
  const decoded = raw.includes('%') ? decode(raw) : raw;
  if (decoded === undefined) return 'The path has an encoding that means nothing.';
  const normalized = decoded === raw ? decoded : decoded.normalize('NFKC');
  const problem = problemOf(decoded) ?? problemOf(normalized);
  if (problem !== undefined) return problem;
  return { raw, lowered: raw.toLowerCase(), normalized: normalized.toLowerCase() };
}

function problemOf(decoded: string): string | undefined {
  if (/%[0-9a-f]{2}/i.test(decoded)) return 'The path is encoded twice.';
  if (/\p{Cc}/u.test(decoded)) return 'The path has a control character.';
  if (decoded.includes('\\')) return 'The path has a backslash.';
  if (decoded.includes(';')) return 'The path has a parameter (;) in a segment.';
  if (decoded.includes('//')) return 'The path has an empty segment (//).';
  return /\/\.{1,2}(?:\/|$)/.test(decoded) ? 'The path has a dot segment.' : undefined;
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** The name in a Host header, in lower case and without port; undefined for what resolvers and servers could take apart differently. */
function hostNameOf(host: string): string | undefined {
  const name = /^(?<name>\w(?:[\w.-]{0,251}\w)?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i.exec(host)?.groups?.['name'];
  return name === undefined || name.includes('..') ? undefined : name.toLowerCase();
}

function isForHost({ host }: Route, asked: string): boolean {
  return host === undefined || host === asked;
}

/** `/wiki` is under `/wiki/` too: a server would answer it with what is there. */
function isUnder(prefix: string, path: string): boolean {
  return path.startsWith(prefix) || (path.length === prefix.length - 1 && prefix.startsWith(path));
}

function refused(why: string): Selection {
  return { outcome: 'refused', why };
}
