import type { Route } from './select-route.js';
import { upstreamAt, UpstreamFailed, type Upstream } from './upstream.js';

/** The upstreams of a relay's routes, each once. */
export class Upstreams {
  private readonly byUrl = new Map<string, Upstream>();
  private readonly failing = new Set<string>();

  constructor(routes: readonly Route[]) {
    for (const { upstream } of routes) this.byUrl.set(upstream, upstreamAt(upstream));
  }

  of({ upstream }: Route): Upstream {
    const known = this.byUrl.get(upstream);
    if (known === undefined) throw new RangeError(`${upstream} is no upstream of this relay's routes`);
    return known;
  }

  /** Whether it is one of these, and not another relay's of the same place. */
  has(upstream: Upstream): boolean {
    return this.byUrl.get(upstream.url) === upstream;
  }

  /** What to tell of it: an upstream that is down fails every request, and is told of once until it answers again. */
  failed({ url }: Upstream, error: Error): UpstreamFailed | undefined {
    if (this.failing.has(url)) return undefined;
    this.failing.add(url);
    return new UpstreamFailed(`the upstream ${url} fails: ${error.message}`, { cause: error });
  }

  answered({ url }: Upstream): void {
    if (this.failing.size > 0) this.failing.delete(url);
  }

  /** Closes the connections that are kept. */
  close(): void {
    for (const { agent } of this.byUrl.values()) agent.destroy();
  }
}
