import type { IncomingMessage } from 'node:http';

/**
 * True for a request that a program on this machine sent on purpose: the connection is a loopback one, the Host header
 * names loopback (a rebound DNS name does not), and no web page is behind it (browsers send Origin).
 */
export function comesFromThisMachine(request: IncomingMessage): boolean {
  const address = request.socket.remoteAddress ?? '';
  const loopback = address === '::1' || address.replace(/^::ffff:/, '').startsWith('127.');
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  const namesLoopback = host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
  return loopback && namesLoopback && request.headers.origin === undefined;
}
