import type { DeviceProof, Reason } from '@stance/contracts';

/** What a request, or a connection, shows of who sends it. */
export interface Evidence {
  /** Names and values in turn, as they came; empty for what has none. */
  readonly rawHeaders: readonly string[];
  /** Of the connection: no header says otherwise. */
  readonly peerAddress: string | undefined;
  readonly isFromListedProxy: boolean;
  /** The client certificate (DER) of the connection itself, whose possession the TLS handshake proved. */
  readonly connectionCertificate?: Uint8Array | undefined;
}

/** Which device sends it, how that is proved at best, and which user if one is proved. */
export interface Proved {
  readonly outcome: 'proved';
  readonly deviceId: string;
  readonly proof: DeviceProof;
  readonly user?: string;
  /** What a listed proxy names as the resource, where the file says that it does so in a header. */
  readonly resource?: string;
}

/**
 * `unproved`: nothing proves a device. `refused`: something claims what it may not claim, is not valid, or disagrees with
 * another proof; then the rest counts for nothing.
 */
export interface NotProved {
  readonly outcome: 'unproved' | 'refused';
  readonly reasons: readonly Reason[];
}

export type Identity = Proved | NotProved;

/** Finds out who sends a request: at once, unless the keys of a token's issuer have to be asked for. Never throws. */
export interface Prover {
  prove(evidence: Evidence): Identity | Promise<Identity>;
}
