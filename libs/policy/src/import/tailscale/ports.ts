/** Ports of one protocol, both ends included. */
export interface Ports {
  /** `any` where none is named, which is all TCP and UDP traffic. */
  readonly protocol: string;
  readonly from: number;
  readonly to: number;
}

const LAST_PORT = 65_535;
const PROTOCOLS: ReadonlyMap<string, string> = new Map([
  ['*', 'any'],
  ['6', 'tcp'],
  ['17', 'udp'],
  ['132', 'sctp'],
]);

/** The ports of a destination such as `*`, `22`, `80,443` or `1000-2000`; undefined for anything else. */
export function readPorts(text: string, protocol = '*'): Ports[] | undefined {
  const named = PROTOCOLS.get(protocol) ?? protocol.toLowerCase();
  if (!/^[a-z0-9-]{1,20}$/.test(named)) return undefined;
  const read = text.split(',').map((range) => readRange(range.trim(), named));
  const ports = read.filter((range) => range !== undefined);
  return ports.length === read.length ? ports : undefined;
}

/** What a grant's `ip` names: `443`, `tcp:443`, `udp:*`, `*`; undefined for anything else. */
export function readCapability(text: string): Ports[] | undefined {
  const at = text.indexOf(':');
  return at < 0 ? readPorts(text) : readPorts(text.slice(at + 1), text.slice(0, at));
}

function readRange(text: string, protocol: string): Ports | undefined {
  if (text === '*') return { protocol, from: 0, to: LAST_PORT };
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from <= to && to <= LAST_PORT ? { protocol, from, to } : undefined;
}

/** Whether who may use the ports `outer` may use all of `inner`. */
export function covers(outer: Ports, inner: Ports): boolean {
  const protocols =
    outer.protocol === inner.protocol || (outer.protocol === 'any' && ['tcp', 'udp'].includes(inner.protocol));
  return protocols && outer.from <= inner.from && inner.to <= outer.to;
}

/** As grants write them: `443`, `tcp:443`, `1000-2000`, `udp`; empty for all ports of any protocol. */
export function portsText({ protocol, from, to }: Ports): string {
  const range = from === 0 && to === LAST_PORT ? '' : from === to ? String(from) : `${from}-${to}`;
  return [...(protocol === 'any' ? [] : [protocol]), ...(range === '' ? [] : [range])].join(':');
}
