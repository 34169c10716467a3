import type { Path } from '../json-source.js';
import type { ImportReport } from '../report.js';
import type { TailscaleAcl, TailscaleGrant } from './policy-file.js';
import { readCapability, readPorts, type Ports } from './ports.js';

/** Where a rule leads: a host, tag, address or network as the file writes it, or `*`, on some ports. */
export interface Destination {
  readonly path: Path;
  readonly target: string;
  readonly ports: readonly Ports[];
}

/** What the `dst` of an acl comes to: `<host>:<ports>`. */
export function aclDestinations({ dst, ports, proto }: TailscaleAcl, path: Path, report: ImportReport): Destination[] {
  return (dst ?? ports ?? []).flatMap((text, index) => {
    const at = [...path, dst === undefined ? 'ports' : 'dst', index];
    const split = splitPorts(text);
    const read = split === undefined ? undefined : readPorts(split.ports, proto);
    if (split === undefined || read === undefined) {
      report.leftOut(at, `${text.slice(0, 100)}: expected <host>:<ports>, such as tag:web:443 or tag:web:*`);
      return [];
    }
    return usable(split.host, read, at, report);
  });
}

/** What the `dst` and `ip` of a grant come to. */
export function grantDestinations({ dst, ip }: TailscaleGrant, path: Path, report: ImportReport): Destination[] {
  const ports = (ip ?? []).flatMap((text, index) => {
    const read = readCapability(text);
    if (read === undefined) {
      report.leftOut([...path, 'ip', index], `${text.slice(0, 100)}: expected ports, such as 443, tcp:443 or *`);
    }
    return read ?? [];
  });
  if (ports.length === 0) return [];
  return (dst ?? []).flatMap((host, index) => usable(host, ports, [...path, 'dst', index], report));
}

/** `tag:web:443` as host and ports; undefined where it names no ports. */
export function splitPorts(text: string): { host: string; ports: string } | undefined {
  const at = text.lastIndexOf(':');
  return at <= 0 ? undefined : { host: text.slice(0, at), ports: text.slice(at + 1) };
}

function usable(host: string, ports: readonly Ports[], path: Path, report: ImportReport): Destination[] {
  const problem = unusable(host);
  if (problem === undefined) return [{ path, target: host, ports }];
  report.leftOut(path, `${host.slice(0, 100)} as a destination: ${problem}`);
  return [];
}

function unusable(host: string): string | undefined {
  if (host === '*') return undefined;
  if (host === 'autogroup:internet') return 'Stance guards resources behind its gateways, not the way to the internet';
  if (/^(?:autogroup|group|user):/.test(host) || host.includes('@')) {
    return "people's devices are no resources behind a gateway";
  }
  if (!/^[\p{L}\p{N}[][\p{L}\p{N}._:/[\]+-]*$/u.test(host) || host.length > 80) {
    return 'no name of a resource can be made of this';
  }
  return undefined;
}
