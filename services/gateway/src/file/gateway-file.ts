import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { atLeast, id } from '@stance/contracts';
import { z } from 'zod';
import { durationWithin, filePathIn, listener, type Listener, portNumber, type FilePath } from './fields.js';
import { network } from './network.js';
import { deviceProofs, userProofs, type DeviceProofs, type UserProofs } from './proofs.js';
import { NoYaml, yamlContent } from '../yaml-content.js';
import { httpRelay, tcpRelay, type HttpRelay, type TcpRelay } from './relays.js';

/** The header in which a listed proxy names the resource (`resourceFrom: header`). */
export const RESOURCE_HEADER = 'x-stance-resource';

/** `STANCE_GATEWAY_FILE`: what this gateway is called, whom it believes, what it carries, and how long its sessions live. */
const gatewayFile = (file: FilePath) =>
  z
    .strictObject({
      /** The audience of its decisions; the policy's `gateways` names it. All its replicas share it. */
      name: id,
      /** Where `/authorize` is answered (forward-auth). */
      listen: listener(file, portNumber.default(9180)).prefault({}),
      /** Where Envoy's `Authorization/Check` is answered (gRPC); left out, nowhere. */
      grpc: z.strictObject({ host: z.string().check(atLeast(1)).default('127.0.0.1'), port: portNumber }).optional(),
      /** Addresses or networks (CIDR) of the proxies whose word counts; nobody else's does. */
      trustedProxies: z.array(network).default([]),
      /**
       * Where a listed proxy names the resource: in the path, as in `/authorize/wiki`, or in the header `X-Stance-Resource`,
       * which it has to overwrite.
       */
      resourceFrom: z.enum(['path', 'header']).default('path'),
      device: deviceProofs(file),
      user: userProofs(file).prefault({}),
      /** A file that says which addresses, certificate serials and fingerprints are whose; read again when it changes. */
      inventory: file.optional(),
      relays: z.array(httpRelay(file)).default([]),
      tcp: z.array(tcpRelay(file)).default([]),
      sessions: z
        .strictObject({
          /** Absolute. */
          lifetime: durationWithin('1m', '7d').prefault('12h'),
          /** Without a request and without an open connection. */
          idle: durationWithin('1m', '7d').prefault('1h'),
          /** How long a relayed session stays open after its last connection was closed. */
          linger: durationWithin('0s', '1h').prefault('30s'),
        })
        .prefault({}),
      /** A file of devices that are let in whatever the policy says, for at most 4 h; read again when it changes. */
      breakGlass: file.optional(),
    })
    .superRefine((parsed, context) => {
      for (const [path, message] of contradictions(parsed))
        context.addIssue({ code: 'custom', path: [...path], message });
    });

interface Checked {
  readonly listen: Listener;
  readonly grpc?: { readonly host: string; readonly port: number } | undefined;
  readonly relays: readonly HttpRelay[];
  readonly tcp: readonly TcpRelay[];
  readonly trustedProxies: readonly unknown[];
  readonly device: DeviceProofs;
  readonly user: UserProofs;
  readonly inventory?: string | undefined;
}

type Contradiction = readonly [path: readonly string[], message: string];

/** What no field is wrong about by itself. */
function* contradictions(file: Checked): Iterable<Contradiction> {
  const { trustedProxies, device, user, inventory, grpc, tcp } = file;
  const { certificate, header, address } = device;
  const isByProxy = header !== undefined || user.header !== undefined || certificate?.header !== undefined;
  if ((isByProxy || address?.header !== undefined) && trustedProxies.length === 0) {
    yield [['trustedProxies'], 'names no proxy: nobody could send the headers that prove devices and users'];
  }
  const isLookedUp = address !== undefined || certificate?.id === 'serial' || certificate?.id === 'fingerprint';
  if (isLookedUp && inventory === undefined) {
    yield [['inventory'], 'is missing: addresses, serials and fingerprints are looked up there'];
  }
  if (grpc !== undefined && trustedProxies.length === 0) {
    yield [['trustedProxies'], 'names no proxy: every Envoy would be turned away'];
  }
  if (tcp.length > 0 && certificate?.ca === undefined && address === undefined) {
    yield [['tcp'], 'needs device.certificate.ca or device.address: nothing else proves a device on a TCP connection'];
  }
  for (const [index, { listen }] of tcp.entries()) {
    if (listen.tls === undefined && address === undefined) {
      yield [['tcp', String(index), 'listen', 'tls'], 'is missing: without it there is no client certificate'];
    }
  }
  yield* unreachableRoutes(file.relays);
  yield* sharedPorts(file);
  const seen = new Set<string>([RESOURCE_HEADER]);
  for (const [path, name] of claimHeaders(device, user)) {
    if (seen.has(name)) yield [path, `${name} means something else already`];
    seen.add(name);
  }
}

/** A route behind one that takes all its requests: they would be judged as the other's resource. */
function* unreachableRoutes(relays: readonly HttpRelay[]): Iterable<Contradiction> {
  for (const [relay, { routes }] of relays.entries()) {
    for (const [index, route] of routes.entries()) {
      const before = routes.slice(0, index).find((each) => {
        const isForHost = each.host === undefined || each.host === route.host;
        return isForHost && route.path.startsWith(each.path);
      });
      if (before === undefined) continue;
      const place = ['relays', String(relay), 'routes', String(index)];
      yield [place, `is never reached: the route ${before.path} of ${before.resource} before it takes its requests`];
    }
  }
}

function* sharedPorts({ listen, grpc, relays, tcp }: Checked): Iterable<Contradiction> {
  const places: [string[], { readonly host: string; readonly port: number } | undefined][] = [
    [['listen'], listen],
    [['grpc'], grpc],
    ...relays.map((relay, index): [string[], Listener] => [['relays', String(index), 'listen'], relay.listen]),
    ...tcp.map((relay, index): [string[], Listener] => [['tcp', String(index), 'listen'], relay.listen]),
  ];
  const taken = new Map<string, string>();
  for (const [path, place] of places) {
    if (place === undefined || place.port === 0) continue;
    const key = `${place.host}:${place.port}`;
    const other = taken.get(key);
    if (other !== undefined) yield [[...path, 'port'], `is that of ${other} already`];
    taken.set(key, path.join('.'));
  }
}

/** The headers that say something of device and user, each with its place in the file. */
function claimHeaders(device: DeviceProofs, user: UserProofs): [string[], string][] {
  const all: [string[], string | undefined][] = [
    [['device', 'header', 'name'], device.header?.name],
    [['device', 'certificate', 'header', 'name'], device.certificate?.header?.name],
    [['device', 'token', 'header'], device.token?.header],
    [['device', 'address', 'header'], device.address?.header],
    [['user', 'header', 'name'], user.header?.name],
    [['user', 'token', 'header'], user.token?.header],
  ];
  return all.flatMap(([path, name]) => (name === undefined ? [] : [[path, name]]));
}

export type GatewayFile = z.infer<ReturnType<typeof gatewayFile>>;

/** Every problem of a gateway file at once, each with its path. */
export class GatewayFileInvalid extends Error {
  override readonly name = 'GatewayFileInvalid';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
  }
}

/** Reads a gateway file; the files that it names count from its folder. Throws {@link GatewayFileInvalid}. */
export function readGatewayFile(path: string): GatewayFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new GatewayFileInvalid([`cannot be read: ${error instanceof Error ? error.message : String(error)}`]);
  }
  return parseGatewayFile(text, dirname(resolve(path)));
}

/** Reads the content of a gateway file, YAML or JSON. Throws {@link GatewayFileInvalid}. */
export function parseGatewayFile(text: string, folder: string): GatewayFile {
  const result = gatewayFile(filePathIn(folder)).safeParse(contentOf(text) ?? {});
  if (result.success) return result.data;
  throw new GatewayFileInvalid(
    result.error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'the file'}: ${message}`),
  );
}

function contentOf(text: string): unknown {
  try {
    return yamlContent(text);
  } catch (error) {
    if (error instanceof NoYaml) throw new GatewayFileInvalid(error.problems);
    throw error;
  }
}
