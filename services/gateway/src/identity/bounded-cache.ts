import { hash } from 'node:crypto';

interface Kept<Value> {
  readonly value: Value;
  readonly until: number;
}

/** What was found out about secrets and long texts, by their SHA-256: at most so many, the oldest are forgotten first. */
export class BoundedCache<Value> {
  private readonly kept = new Map<string, Kept<Value>>();

  constructor(private readonly most: number) {}

  static keyOf(content: string | Uint8Array): string {
    return hash('sha256', content, 'base64');
  }

  /** Undefined for what was never kept, is forgotten, or does not hold any more at `now` (milliseconds since 1970). */
  get(key: string, now: number): Value | undefined {
    const found = this.kept.get(key);
    if (found === undefined) return undefined;
    if (now < found.until) return found.value;
    this.kept.delete(key);
    return undefined;
  }

  /** Keeps a value until then (milliseconds since 1970). */
  set(key: string, value: Value, until: number): void {
    this.kept.delete(key);
    this.kept.set(key, { value, until });
    if (this.kept.size <= this.most) return;
    const [oldest] = this.kept.keys();
    if (oldest !== undefined) this.kept.delete(oldest);
  }
}
