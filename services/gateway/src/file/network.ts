import { isIP } from 'node:net';
import { z } from 'zod';

/** A network as `BlockList` takes it. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** An address or a network (CIDR), but not everybody. */
export const network = z.string().transform((text, context): Network => {
  const parsed = networkOf(text);
  if (typeof parsed !== 'string') return parsed;
  context.addIssue({ code: 'custom', message: parsed });
  return z.NEVER;
});

/** A network, or what is wrong with it. */
function networkOf(text: string): Network | string {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return `"${text}" is no address or network such as 10.0.0.0/8`;
  const most = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || prefix > most)) {
    return `"${text}" has no prefix length from 1 to ${most}`;
  }
  if (prefix === 0) return `"${text}" is everybody: list the proxies`;
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}
