import { BlockList, isIPv4, type Socket } from 'node:net';
import type { Network } from '../file/network.js';

/** Tells whether a peer is a listed proxy, by the address of its connection: no header says otherwise. */
export class TrustedProxies {
  private readonly listed = new BlockList();
  private readonly known = new WeakMap<Socket, boolean>();

  constructor(networks: readonly Network[]) {
    for (const { address, prefix, family } of networks) this.listed.addSubnet(address, prefix, family);
  }

  has(socket: Socket): boolean {
    let isListed = this.known.get(socket);
    if (isListed === undefined) {
      isListed = this.hasAddress(socket.remoteAddress);
      this.known.set(socket, isListed);
    }
    return isListed;
  }

  hasAddress(address: string | undefined): boolean {
    if (address === undefined) return false;
    // A dual-stack listener sees IPv4 peers as ::ffff:192.0.2.1.
    const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
    return isIPv4(plain) ? this.listed.check(plain, 'ipv4') : this.listed.check(address, 'ipv6');
  }
}
