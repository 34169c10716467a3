import { isIP, SocketAddress } from 'node:net';

const MAPPED = '::ffff:';

/**
 * An address in the one way in which it is compared: IPv6 shortened, and IPv4 plain where a dual-stack listener or a header
 * says `::ffff:192.0.2.1`. Undefined for what is no address, or one that means something on one link only (`fe80::1%eth0`).
 */
export function canonicalAddress(text: string): string | undefined {
  const version = isIP(text);
  if (version === 0 || text.includes('%')) return undefined;
  if (version === 4) return text;
  const { address } = new SocketAddress({ address: text, family: 'ipv6' });
  const last = address.startsWith(MAPPED) ? address.slice(MAPPED.length) : '';
  return isIP(last) === 4 ? last : address;
}
