/** Thrown when a console URL cannot be used; the message says what is wrong with it and what to write instead. */
export class InvalidConsoleUrl extends Error {
  override readonly name = 'InvalidConsoleUrl';

  readonly problem: string;
  readonly advice = 'Write it as https://<tenant>.sentinelone.net';

  constructor(problem: string) {
    super(`The SentinelOne console URL ${problem}. Write it as https://<tenant>.sentinelone.net`);
    this.problem = `the console URL ${problem}`;
  }
}

const API_PATH = /^\/+web(\/+api(\/.*)?)?\/*$/i;
const LOOPBACK = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Turns a console URL as people paste it (no scheme, `/web/api/v2.1` at the end, blanks, upper case, a page of the
 * console) into its base: scheme, host and port, without a trailing slash.
 *
 * Plain http is taken for loopback only, since each request carries the token. Never echoes the whole input: it may
 * hold a password, or be the token itself, pasted into the wrong setting.
 * @throws {InvalidConsoleUrl}
 */
export function normaliseConsoleUrl(input: string): string {
  const pasted = input
    .trim()
    .replace(/^(["'<])(.*)["'>]$/, '$2')
    .trim();
  if (pasted === '') throw new InvalidConsoleUrl('is empty');

  const { scheme, rest } = splitScheme(pasted);
  const url = parse(`${scheme ?? 'https'}://${rest}`);
  if (url.username !== '' || url.password !== '') {
    throw new InvalidConsoleUrl('holds a user name or password, which does not belong there');
  }
  const host = checkHost(url.hostname.replace(/\.$/, ''), scheme !== undefined);
  refusePath(url, host);

  const loopback = LOOPBACK.test(host);
  if (scheme === 'http' && !loopback) {
    throw new InvalidConsoleUrl(`uses http for ${host}, which would send the API token in the clear`);
  }
  // Read again under the scheme that holds, because the port left out of an origin differs.
  const base = parse(`${scheme ?? (loopback ? 'http' : 'https')}://${rest}`);
  base.hostname = host;
  return base.origin;
}

function splitScheme(pasted: string): { scheme: 'http' | 'https' | undefined; rest: string } {
  const known = /^(https?):[\\/]*(.*)$/is.exec(pasted);
  if (known) return { scheme: known[1]?.toLowerCase() === 'http' ? 'http' : 'https', rest: known[2] ?? '' };
  const other = /^([a-z][a-z0-9+.-]*):\/\//i.exec(pasted);
  if (other) throw new InvalidConsoleUrl(`has the scheme ${other[1]}, only https can be used`);
  return { scheme: undefined, rest: pasted.replace(/^\/+/, '') };
}

function parse(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new InvalidConsoleUrl('is not a valid URL');
  return url;
}

function checkHost(host: string, schemeGiven: boolean): string {
  if (host.length > 253 || host.split('.').some((label) => label.length > 63)) {
    throw new InvalidConsoleUrl('has a host name longer than host names can be (is it the token?)');
  }
  if (host === '') throw new InvalidConsoleUrl('has no host name');
  if (!schemeGiven && /^[^.[]+$/.test(host) && host !== 'localhost') {
    throw new InvalidConsoleUrl(`is only the word "${host}", not a full host name`);
  }
  return host;
}

/** A console lives at the root of its host: whatever page was pasted, only the host counts; elsewhere a path is a doubt. */
function refusePath(url: URL, host: string): void {
  if (host.endsWith('.sentinelone.net')) return;
  if (!/^\/*$/.test(url.pathname) && !API_PATH.test(url.pathname)) {
    throw new InvalidConsoleUrl(`has the path ${url.pathname.slice(0, 60)}, the console answers below /web/api only`);
  }
  if (url.search !== '' || url.hash !== '') throw new InvalidConsoleUrl('has a query or fragment, leave it out');
}
