import type { IncomingHttpHeaders } from 'node:http';
import type { Admitted } from '../../access/access.js';
import { decisionHeader } from '../../access/decision-header.js';
import { WARNING_HEADER } from '../../access/denial-answer.js';
import { headerValue } from '../../access/header-value.js';
import type { GatewayFile } from '../../file/gateway-file.js';

export interface Forwarding {
  readonly admission: Pick<Admitted, 'asker' | 'verdict'>;
  /** Of a verdict that warns: `GET /denied/<id>` of the gateway shows a page about it. */
  readonly warningId?: string | undefined;
  readonly peerAddress: string | undefined;
  readonly isFromListedProxy: boolean;
  readonly isTls: boolean;
  readonly isUpgrade: boolean;
  /** {@link proofHeaders}: they speak to the gateway, and an upstream could mistake them for its own. */
  readonly proofs: ReadonlySet<string>;
}

/** For one connection only (RFC 9110, 7.6.1), or answered here (`Expect`). A body's framing stays, as it is kept. */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
]);

/**
 * The headers that prove the device, and the header with the user's name. The user's token stays: upstream applications may
 * want to read it themselves.
 */
export function proofHeaders({ device, user }: Pick<GatewayFile, 'device' | 'user'>): ReadonlySet<string> {
  const names = [
    device.header?.name,
    device.certificate?.header?.name,
    device.token?.header,
    device.address?.header,
    user.header?.name,
  ];
  return new Set(names.filter((name) => name !== undefined));
}

/** What the upstream is sent: the client's own, without what only the gateway may say, and with that. Pure. */
export function upstreamHeaders(received: IncomingHttpHeaders, forwarding: Forwarding): IncomingHttpHeaders {
  const { admission, isUpgrade } = forwarding;
  const named = tokensOf(received.connection);
  const headers: IncomingHttpHeaders = {};
  for (const name of Object.keys(received)) {
    if (!named?.has(name) && isEndToEnd(name, forwarding)) headers[name] = received[name];
  }
  addForwarded(headers, received, forwarding);
  if (isUpgrade) {
    headers.connection = 'Upgrade';
    headers.upgrade = 'websocket';
  }
  headers['x-stance-device'] = headerValue(admission.asker.deviceId);
  if (admission.asker.user !== undefined) headers['x-stance-user'] = headerValue(admission.asker.user);
  headers['x-stance-decision'] = decisionHeader(admission.verdict);
  if (forwarding.warningId !== undefined) headers[WARNING_HEADER] = forwarding.warningId;
  return headers;
}

/** What an upstream says to its connection only. */
const SAID_TO_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What the client is sent: the upstream's own, without what was said for its connection only. Pure. */
export function clientHeaders(received: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = tokensOf(received.connection);
  const headers: IncomingHttpHeaders = {};
  for (const name of Object.keys(received)) {
    if (!SAID_TO_CONNECTION.has(name) && !named?.has(name)) headers[name] = received[name];
  }
  return headers;
}

function isEndToEnd(received: string, { isFromListedProxy, proofs }: Forwarding): boolean {
  // Many application servers (CGI, WSGI) read X_Stance_Device as X-Stance-Device.
  const name = received.includes('_') ? received.replaceAll('_', '-') : received;
  if (HOP_BY_HOP.has(name) || proofs.has(name) || name.startsWith('x-stance-')) return false;
  // Nothing is added to Forwarded here: without this hop it would be wrong.
  if (name === 'forwarded') return false;
  if (name === 'x-real-ip' || name.startsWith('x-forwarded-')) return isFromListedProxy && name === received;
  return true;
}

/** A listed proxy's word is kept and added to; anybody else's is replaced. */
function addForwarded(
  headers: IncomingHttpHeaders,
  received: IncomingHttpHeaders,
  { isFromListedProxy, peerAddress = 'unknown', isTls }: Forwarding,
): void {
  const address = peerAddress.startsWith('::ffff:') ? peerAddress.slice('::ffff:'.length) : peerAddress;
  const before = isFromListedProxy ? received['x-forwarded-for'] : undefined;
  const proto = isFromListedProxy ? received['x-forwarded-proto'] : undefined;
  const host = isFromListedProxy ? received['x-forwarded-host'] : undefined;
  headers['x-forwarded-for'] = before === undefined || before === '' ? address : `${String(before)}, ${address}`;
  headers['x-forwarded-proto'] = proto ?? (isTls ? 'https' : 'http');
  headers['x-forwarded-host'] = host ?? received.host;
}

function tokensOf(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || /^(?:keep-alive|close|upgrade)$/i.test(connection)) return undefined;
  return new Set(connection.split(',').map((token) => token.trim().toLowerCase()));
}
