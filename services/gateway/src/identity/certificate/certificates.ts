import { X509Certificate } from 'node:crypto';
import type { CertificateFormat } from '../../file/proofs.js';
import { BoundedCache } from '../bounded-cache.js';
import { ProofRefused } from '../proof-refused.js';
import { checkAsDevice, type Authorities, type Chain } from './authorities.js';
import { idIn, type IdSource } from './certificate-names.js';
import { readForwarded } from './forwarded-certificate.js';

/** How many certificates are remembered as checked: some 300 bytes each. */
const MAX_REMEMBERED = 50_000;

interface Checked {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/**
 * Checks the certificates of devices, and remembers those that it has checked for as long as they are valid. Gives the
 * device's id, or the certificate's own (serial, fingerprint), as the gateway file says. Throws {@link ProofRefused}.
 */
export class Certificates {
  private readonly checked = new BoundedCache<string>(MAX_REMEMBERED);

  constructor(
    private readonly idSource: IdSource,
    private readonly authorities: Authorities | undefined,
    private readonly now: () => number,
  ) {}

  /** Of the certificate of a TLS connection (DER). */
  ofConnection(der: Uint8Array): string {
    return this.remembered(der, () => this.check({ device: new X509Certificate(der), intermediates: [] }));
  }

  /** Of the certificate in a header of a listed proxy. Without authorities the proxy's word on its hash is enough. */
  ofHeader(value: string, format: CertificateFormat): string {
    return this.remembered(value, () => {
      const { chain, fingerprint } = readForwarded(value, format);
      if (chain !== undefined) return this.check(chain);
      const isHashEnough = this.idSource.id === 'fingerprint' && this.authorities === undefined;
      if (isHashEnough && fingerprint !== undefined) return { id: fingerprint, until: Infinity };
      throw new ProofRefused('The header has no certificate to check: have the proxy send it (Envoy: cert or chain).');
    });
  }

  private remembered(shown: string | Uint8Array, check: () => Checked): string {
    const key = BoundedCache.keyOf(shown);
    const found = this.checked.get(key, this.now());
    if (found !== undefined) return found;
    const { id, until } = check();
    this.checked.set(key, id, until);
    return id;
  }

  /** Without authorities the proxy has checked who issued it. */
  private check(chain: Chain): Checked {
    const until = this.authorities?.check(chain, this.now()) ?? checkAsDevice(chain.device, this.now());
    return { id: idIn(chain.device, this.idSource), until };
  }
}
