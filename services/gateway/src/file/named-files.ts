import { readAuthorities } from '../identity/certificate/read-authorities.js';
import { isAboutFile } from '../identity/create-prover.js';
import { readInventory } from '../identity/inventory/followed-inventory.js';
import { keysOfFile } from '../identity/token/keys.js';
import { ListenerTlsUnusable, readListenerTls } from '../listener-tls.js';
import type { Listener } from './fields.js';
import type { GatewayFile } from './gateway-file.js';

/**
 * What is wrong with the files that a gateway file names, each with its place there: told at start, before anything is
 * connected. A break-glass file may come later, and a broken one only lets nobody in.
 */
export function namedFileProblems(file: GatewayFile): readonly string[] {
  const { device, user, inventory } = file;
  return [
    ...problemWith('device.certificate.ca', device.certificate?.ca, readAuthorities),
    ...problemWith('device.token.jwks', pathOf(device.token?.jwks), keysOfFile),
    ...problemWith('user.token.jwks', pathOf(user.token?.jwks), keysOfFile),
    ...problemWith('inventory', inventory, readInventory),
    ...listeners(file).flatMap(([place, { tls }]) =>
      problemWith(place, tls, (named) => readListenerTls(named, undefined)),
    ),
  ];
}

function listeners({ listen, relays, tcp }: GatewayFile): [place: string, listener: Listener][] {
  return [
    ['listen', listen],
    ...relays.map((relay, index): [string, Listener] => [`relays.${index}.listen`, relay.listen]),
    ...tcp.map((relay, index): [string, Listener] => [`tcp.${index}.listen`, relay.listen]),
  ];
}

function pathOf(jwks: URL | string | undefined): string | undefined {
  return typeof jwks === 'string' ? jwks : undefined;
}

function problemWith<Named>(place: string, named: Named | undefined, read: (named: Named) => unknown): string[] {
  if (named === undefined) return [];
  try {
    read(named);
    return [];
  } catch (error) {
    if (error instanceof ListenerTlsUnusable) return [`${place}.${error.message}`];
    if (isAboutFile(error)) return [`${place}: ${error.message}`];
    throw error;
  }
}
