/** What a request's path asks for. */
export type Route =
  | {
      readonly to: 'authorize';
      /** The segment after `/authorize`; `undefined` where there is none, or none that has only one reading. */
      readonly resource: string | undefined;
    }
  | { readonly to: 'denied'; readonly denialId: string }
  | { readonly to: 'nowhere' };

const NOWHERE: Route = { to: 'nowhere' };

/**
 * Reads a request target. What follows the resource is the original request's path, which some proxies append; it selects
 * nothing. Pure.
 */
export function routeOf(target: string): Route {
  const end = target.search(/[?#]/);
  const path = end === -1 ? target : target.slice(0, end);
  if (path === '/authorize') return { to: 'authorize', resource: undefined };
  if (path.startsWith('/authorize/')) {
    const [segment = ''] = path.slice('/authorize/'.length).split('/', 1);
    return { to: 'authorize', resource: resourceIn(segment) };
  }
  if (path.startsWith('/denied/')) return { to: 'denied', denialId: path.slice('/denied/'.length) };
  return NOWHERE;
}

/** A segment that every reader takes for the same name: escaped once, only where it has to be. */
function resourceIn(segment: string): string | undefined {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._~-]{0,199}$/.test(segment)) return segment;
  let name: string;
  try {
    name = decodeURIComponent(segment);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
  const isPlain = /^[^./\\%\p{Cc}\p{Cs}][^/\\%\p{Cc}\p{Cs}]{0,199}$/u.test(name);
  return isPlain && encodeURIComponent(name).toUpperCase() === segment.toUpperCase() ? name : undefined;
}
