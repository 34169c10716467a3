import type { Reason, ReasonCode } from '@stance/contracts';

/**
 * Thrown for a proof that does not count: its message tells the person what to put right. `identity-forged` by default;
 * `identity-missing` where it could not be checked.
 */
export class ProofRefused extends Error {
  override readonly name = 'ProofRefused';
  constructor(
    message: string,
    private readonly code: ReasonCode = 'identity-forged',
  ) {
    super(message);
  }

  get reason(): Reason {
    return { code: this.code, message: this.message };
  }
}

/** Text of a request in a message: no more than that, and nothing but visible ASCII. */
export function shown(text: string): string {
  return text.slice(0, 80).replaceAll(/[^\x20-\x7e]/g, '?');
}
