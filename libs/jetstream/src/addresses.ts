/** Thrown for addresses of NATS servers that cannot be used as they are given. */
export class UnusableAddress extends Error {
  override readonly name = 'UnusableAddress';

  constructor(
    url: string,
    /** What is wrong, and what to write instead: a sentence about the addresses that lacks its subject. */
    readonly problem: string,
  ) {
    super(`the NATS address ${withoutPasswords(url)} ${problem}`);
  }
}

/** Where NATS servers are, and whether they have to be who they say. */
export interface ServerAddresses {
  readonly servers: readonly string[];
  /** Written as `tls://`: a server that offers no TLS, or has no good certificate, is refused. */
  readonly requireTls: boolean;
}

interface Address {
  /** In lower case; `nats` where there is none. */
  readonly scheme: string;
  readonly host: string;
  readonly text: string;
}

/** One or more addresses, separated by commas: all `tls://`, or all `nats://` (or without). Throws {@link UnusableAddress}. */
export function addressesIn(url: string): ServerAddresses {
  const addresses = parsed(url);
  if (addresses.length === 0) throw new UnusableAddress(url, 'names no NATS server: write tls://<host>:4222');
  for (const { scheme } of addresses) {
    if (scheme !== 'nats' && scheme !== 'tls') {
      throw new UnusableAddress(
        url,
        `begins with ${scheme}://, which is not spoken here: write tls:// (or nats://, without TLS)`,
      );
    }
  }
  const schemes = new Set(addresses.map(({ scheme }) => scheme));
  if (schemes.size > 1) {
    throw new UnusableAddress(
      url,
      'mixes tls:// with addresses that do not ask for TLS: write tls:// before each, as any of them may be connected to',
    );
  }
  return { servers: addresses.map(({ text }) => text), requireTls: schemes.has('tls') };
}

/** Whether every address is one of this machine, which nobody on a network stands between. */
export function isLoopback(url: string): boolean {
  return parsed(url).every(({ host }) => /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(host));
}

/** The addresses as they may be shown: whatever stands before an `@` is a secret. */
export function withoutPasswords(url: string): string {
  return url.replaceAll(/\/\/[^@/,]*@/g, '//');
}

function parsed(url: string): Address[] {
  return url
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => {
      const [, scheme = 'nats', rest = text] = /^([a-z][a-z\d+.-]*):\/\/(.*)$/i.exec(text) ?? [];
      return { text, scheme: scheme.toLowerCase(), host: hostOf(rest) };
    });
}

function hostOf(address: string): string {
  return URL.parse(`http://${address}`)?.hostname ?? '';
}
