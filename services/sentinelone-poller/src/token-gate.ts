/** How often a paused source looks whether it has been given a new token. */
const TOKEN_CHECK_MS = 1_000;

/** Leave to make one attempt. */
export interface Pass {
  /** The token at that time; undefined when it could not be read. */
  readonly token: string | undefined;
  /** The attempt by which a refused token is tried again. */
  readonly isTrial: boolean;
}

interface Refusal {
  readonly token: string | undefined;
  /** By the monotonic clock. */
  readonly until: number;
}

/**
 * Lets the lanes of a source ask its console, all of them with the same token. Once that is refused nobody may ask until the
 * pause is over or the token is another one, and then one lane tries: the others wait for what becomes of it.
 */
export class TokenGate {
  private refusal: Refusal | undefined;
  private isTrying = false;
  private readonly waiting = new Set<() => void>();

  constructor(
    /** The present token; undefined while it cannot be read. */
    private readonly token: () => string | undefined,
    private readonly monotonic: () => number = () => performance.now(),
  ) {}

  /** Resolves when an attempt may be made, or once the signal is aborted. `mayTry`: whether it may be the trial. */
  async enter(mayTry: boolean, signal: AbortSignal): Promise<Pass> {
    while (!signal.aborted && this.refusal !== undefined) {
      if (mayTry && !this.isTrying && this.isOpen(this.refusal)) {
        this.isTrying = true;
        return { token: this.token(), isTrial: true };
      }
      await this.change(signal);
    }
    return { token: this.token(), isTrial: false };
  }

  /** The console refused the token of an attempt; whether that is news: lanes that asked together are refused together. */
  refused(pass: Pass, pauseMs: number): boolean {
    if (this.refusal !== undefined && !pass.isTrial) return false;
    // Where it was replaced meanwhile, the refused one may be either: whichever is there now is tried at once.
    const isKnown = this.token() === pass.token;
    this.refusal = { token: pass.token, until: this.monotonic() + (isKnown ? pauseMs : 0) };
    this.leave(pass);
    return true;
  }

  /** The attempt ended otherwise; `accepted`: the console took the token. */
  left(pass: Pass, accepted: boolean): void {
    if (accepted && pass.isTrial) this.refusal = undefined;
    this.leave(pass);
  }

  private leave(pass: Pass): void {
    if (!pass.isTrial) return;
    this.isTrying = false;
    for (const resume of this.waiting) resume();
  }

  private isOpen({ token, until }: Refusal): boolean {
    return this.monotonic() >= until || this.token() !== token;
  }

  private async change(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const resume = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', resume);
        this.waiting.delete(resume);
        resolve();
      };
      const timer = setTimeout(resume, TOKEN_CHECK_MS);
      signal.addEventListener('abort', resume, { once: true });
      this.waiting.add(resume);
    });
  }
}
