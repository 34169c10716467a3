import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Listener } from './file/fields.js';

/** What a listener needs to speak TLS, and to ask clients for a certificate. */
export interface ListenerTls {
  readonly cert: string;
  readonly key: string;
  /** The devices' CAs (PEM), told to the client so that it picks the right certificate. */
  readonly ca?: string;
  readonly requestCert: boolean;
  /** Whose certificate it is, and whether it is a device's at all, is for the proof to judge: it says why not. */
  readonly rejectUnauthorized: false;
}

/** Thrown when the TLS files that the gateway file names cannot be used: put right what the message names. */
export class ListenerTlsUnusable extends Error {
  override readonly name = 'ListenerTlsUnusable';
}

/** Reads the files of a listener; `deviceCa` is the path of the devices' CAs. Throws {@link ListenerTlsUnusable}. */
export function readListenerTls(
  { certificate, key }: NonNullable<Listener['tls']>,
  deviceCa: string | undefined,
): ListenerTls {
  const [cert, ownKey] = [read('tls.certificate', certificate), read('tls.key', key)];
  check({ cert }, () => `tls.certificate (${certificate}) holds no certificate in PEM`);
  check({ cert, key: ownKey }, () => `tls.key (${key}) is no key of the certificate ${certificate}`);
  return {
    cert,
    key: ownKey,
    // What they are is for the proof of devices to check, which reads the same file.
    ...(deviceCa !== undefined && { ca: read('device.certificate.ca', deviceCa) }),
    requestCert: deviceCa !== undefined,
    rejectUnauthorized: false,
  };
}

function check(context: SecureContextOptions, problem: () => string): void {
  try {
    createSecureContext(context);
  } catch (error) {
    throw new ListenerTlsUnusable(`${problem()}: ${messageOf(error)}`, { cause: error });
  }
}

function read(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ListenerTlsUnusable(`${setting} (${path}) cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
