import type { SentinelOneTenant } from './running-tenant.js';

/** Thrown when a tenant is started under a name that is taken beside it; choose another name. */
export class TenantExists extends Error {
  constructor(readonly tenant: string) {
    super(`a simulated tenant ${tenant} runs already beside this one: give it another name`);
    this.name = 'TenantExists';
  }
}

/** Thrown when a scenario names a tenant that does not run beside this one. */
export class UnknownTenant extends Error {
  constructor(reference: string, known: readonly string[]) {
    super(`No simulated tenant ${reference}; there are ${known.join(', ') || 'none'}`);
    this.name = 'UnknownTenant';
  }
}

/** The tenants that run side by side in one process and know of each other. */
export class TenantDirectory {
  readonly #tenants = new Map<string, SentinelOneTenant>();

  /** Throws TenantExists. */
  add(tenant: SentinelOneTenant): void {
    this.check(tenant.name);
    this.#tenants.set(tenant.name, tenant);
  }

  /** Throws TenantExists when the name is taken. */
  check(name: string): void {
    if (this.#tenants.has(name)) throw new TenantExists(name);
  }

  remove(tenant: SentinelOneTenant): void {
    if (this.#tenants.get(tenant.name) === tenant) this.#tenants.delete(tenant.name);
  }

  /** By name or URL; throws UnknownTenant. */
  get(reference: string): SentinelOneTenant {
    const origin = URL.parse(reference)?.origin;
    const found =
      this.#tenants.get(reference) ??
      [...this.#tenants.values()].find(({ url }) => url === origin && origin !== 'null');
    if (found === undefined) throw new UnknownTenant(reference, [...this.#tenants.keys()]);
    return found;
  }

  list(): SentinelOneTenant[] {
    return [...this.#tenants.values()];
  }
}
