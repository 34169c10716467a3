import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { deviceProof, id } from '@stance/contracts';
import { MAX_LIFETIME_MS } from '@stance/gateway-sdk';
import { parseDuration } from '@stance/service-kit';
import { parseDocument } from 'yaml';
import { z } from 'zod';

/** A header name (RFC 9110 token), in lower case. */
const headerName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]{0,62}$/, 'must be a header name: letters, digits and dashes')
  .transform((name) => name.toLowerCase());

const network = z.string().transform((text, context) => {
  const parsed = networkOf(text);
  if (typeof parsed !== 'string') return parsed;
  context.addIssue({ code: 'custom', message: parsed });
  return z.NEVER;
});

const lifetime = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined && milliseconds >= 60_000 && milliseconds <= MAX_LIFETIME_MS) return milliseconds;
  context.addIssue({ code: 'custom', message: `must be a duration from 1m to 7d such as 12h, not "${text}"` });
  return z.NEVER;
});

/** `STANCE_GATEWAY_FILE`: what this gateway is called, whom it believes, and how long its sessions live. */
const gatewayFile = z
  .strictObject({
    /** The audience of its decisions; the policy's `gateways` names it. All its replicas share it. */
    name: id,
    /** Where `/authorize` is answered. */
    listen: z
      .strictObject({
        host: z.string().min(1).default('127.0.0.1'),
        /** 0 takes a free one. */
        port: z.int().min(0).max(65_535).default(9180),
      })
      .prefault({}),
    /** Addresses or networks (CIDR) of the proxies that prove devices and users; nobody else's word counts. */
    trustedProxies: z.array(network).min(1, 'names no proxy: nobody could prove a device'),
    /** The header in which a listed proxy gives the device; the proxy has to overwrite what a client sends in it. */
    deviceHeader: headerName.prefault('X-Stance-Device'),
    /** What the proxy has of the device when it names it; a policy may ask for a stronger one (`identity`). */
    deviceProof: deviceProof.default('address'),
    /** The header in which a listed proxy gives the user; left out, no user is proved. */
    userHeader: headerName.optional(),
    /**
     * Where a listed proxy names the resource: in the path, as in `/authorize/wiki`, or in the header `X-Stance-Resource`,
     * which it has to overwrite.
     */
    resourceFrom: z.enum(['path', 'header']).default('path'),
    sessions: z.strictObject({ lifetime: lifetime.prefault('12h') }).prefault({}),
  })
  .refine(({ deviceHeader, userHeader }) => deviceHeader !== userHeader, {
    path: ['userHeader'],
    message: 'is the same as deviceHeader',
  })
  .refine((file) => ![file.deviceHeader, file.userHeader].includes(RESOURCE_HEADER), {
    path: ['deviceHeader'],
    message: 'X-Stance-Resource names the resource: neither device nor user can come in it',
  });

export type GatewayFile = z.infer<typeof gatewayFile>;

export const RESOURCE_HEADER = 'x-stance-resource';

/** A network as `BlockList` takes it. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Every problem of a gateway file at once, each with its path. */
export class GatewayFileInvalid extends Error {
  override readonly name = 'GatewayFileInvalid';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
  }
}

/** Reads a gateway file. Throws {@link GatewayFileInvalid}. */
export function readGatewayFile(path: string): GatewayFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new GatewayFileInvalid([`cannot be read: ${error instanceof Error ? error.message : String(error)}`]);
  }
  return parseGatewayFile(text);
}

/** Reads the content of a gateway file, YAML or JSON. Throws {@link GatewayFileInvalid}. */
export function parseGatewayFile(text: string): GatewayFile {
  const document = parseDocument(text, { uniqueKeys: true });
  if (document.errors.length > 0) {
    throw new GatewayFileInvalid(document.errors.map(({ message }) => message.split('\n')[0] ?? message));
  }
  const result = gatewayFile.safeParse(document.toJS({ maxAliasCount: 0 }) ?? {});
  if (result.success) return result.data;
  throw new GatewayFileInvalid(
    result.error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'the file'}: ${message}`),
  );
}

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
