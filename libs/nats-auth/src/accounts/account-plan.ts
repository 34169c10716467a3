import { encodeToken } from '@stance/contracts';
import type { Permissions } from '../permissions.js';

/** The account of all services. */
export const CORE_ACCOUNT = 'STANCE';
/** The account that only audit writes to. */
export const AUDIT_ACCOUNT = 'AUDIT';
/** That of who looks into the audit trail: answers go no further than the account of who asks. */
export const AUDITORS_ACCOUNT = 'AUDITORS';
/** nats-server's own, for those who run it. */
export const SYSTEM_ACCOUNT = 'SYS';

/** What there is to be let in. */
export interface Estate {
  /** Names of gateways, as in `STANCE_GATEWAY_FILE`. */
  readonly gateways: readonly string[];
  /** Sources whose pollers have a user each; one user for all of them where none is named. */
  readonly sources?: readonly string[];
  /** Bytes on disk, replicas counted each; no limit by default. */
  readonly limits?: { readonly audit?: number | undefined; readonly gateway?: number | undefined };
}

/** The inbox prefixes of a user: one for each of its keys, of which it has two while one replaces the other. */
export type InboxesOf = (user: string) => readonly string[];

export interface UserPlan {
  /** Unique over all accounts; the name of its credentials file. */
  readonly name: string;
  /** Left out: it may do everything in its account. */
  readonly permissions?: Permissions;
}

/** A subject of the account that others may use: a `service` answers, a `stream` tells. */
export interface Export {
  readonly kind: 'service' | 'stream';
  readonly subject: string;
  /** The accounts that may; no other. */
  readonly to: readonly string[];
  /** Whether one question may be answered by several messages; default false. */
  readonly manyAnswers?: boolean;
}

export interface Import {
  readonly kind: 'service' | 'stream';
  readonly account: string;
  readonly subject: string;
  /** The subject on this side, where it is another. */
  readonly as?: string;
}

export interface AccountPlan {
  readonly name: string;
  /** JetStream's limits; `undefined` where the account has none of it. `maxBytes` undefined: no limit. */
  readonly jetstream: { readonly maxBytes: number | undefined } | undefined;
  readonly users: readonly UserPlan[];
  readonly exports: readonly Export[];
  readonly imports: readonly Import[];
}

/** The account of a gateway. */
export function gatewayAccountOf(gateway: string): string {
  return `GATEWAY_${encodeToken(gateway)}`;
}

export function gatewayUserOf(gateway: string): string {
  return `gateway-${encodeToken(gateway)}`;
}

/** A user that may publish this, and listen to its answers. */
export function limitedTo(name: string, publish: readonly string[], inboxesOf: InboxesOf): UserPlan {
  return {
    name,
    permissions: {
      publish: { allow: [...publish].toSorted(), deny: [] },
      subscribe: { allow: inboxesOf(name).map(below) },
    },
  };
}

/** One export of a subject, for all the accounts that may use it. */
export function merged(exports: readonly Export[]): Export[] {
  const bySubject = new Map<string, Export>();
  for (const one of exports) {
    const key = `${one.kind} ${one.subject}`;
    bySubject.set(key, { ...one, to: [...(bySubject.get(key)?.to ?? []), ...one.to] });
  }
  return [...bySubject.values()];
}

/** A subject of the API of JetStream. */
export function inApi(subject: string): string {
  return `$JS.API.${subject}`;
}

/** Everything below a prefix. */
export function below(prefix: string): string {
  return `${prefix}.>`;
}
