import { status } from '@grpc/grpc-js';
import type { Admitted } from '../access/access.js';
import { decisionHeader } from '../access/decision-header.js';
import { WARNING_HEADER, type HttpAnswer } from '../access/denial-answer.js';
import { RESOURCE_HEADER } from '../file/gateway-file.js';

/** What Envoy is answered (`CheckResponse`). */
export interface CheckResponse {
  readonly status: { readonly code: status };
  readonly okResponse?: { readonly headers: readonly HeaderValueOption[]; readonly headersToRemove: readonly string[] };
  readonly deniedResponse?: {
    readonly status: { readonly code: number };
    readonly headers: readonly HeaderValueOption[];
    readonly body: string;
  };
}

interface HeaderValueOption {
  readonly header: { readonly key: string; readonly value: string };
  readonly appendAction: number;
}

/** `OVERWRITE_IF_EXISTS_OR_ADD` of `HeaderValueOption.HeaderAppendAction`. */
const OVERWRITE = 2;

const DEVICE_HEADER = 'x-stance-device';
const USER_HEADER = 'x-stance-user';
const DECISION_HEADER = 'x-stance-decision';
const OURS = [DEVICE_HEADER, USER_HEADER, DECISION_HEADER, WARNING_HEADER, RESOURCE_HEADER];

/**
 * Lets a request through: the upstream is told as whom. Whatever else the request has that looks like a word of Stance, or
 * proves something to the gateway only (`proofs`), is taken out of it.
 */
export function allowed(
  { asker, verdict }: Pick<Admitted, 'asker' | 'verdict'>,
  warningId: string | undefined,
  received: readonly string[],
  proofs: ReadonlySet<string>,
): CheckResponse {
  const told = new Map([
    [DEVICE_HEADER, asker.deviceId],
    ...(asker.user === undefined ? [] : [[USER_HEADER, asker.user] as const]),
    [DECISION_HEADER, decisionHeader(verdict)],
    ...(warningId === undefined ? [] : [[WARNING_HEADER, warningId] as const]),
  ]);
  const isOurs = (name: string) => {
    // Some servers take `_` for `-`.
    const meant = name.replaceAll('_', '-');
    return meant.startsWith('x-stance-') || proofs.has(meant);
  };
  // Envoy removes after it has set: what is told must not be among what is removed.
  const headersToRemove = new Set([...OURS, ...received.filter(isOurs)].filter((name) => !told.has(name)));
  return {
    status: { code: status.OK },
    okResponse: { headers: [...told].map(overwriting), headersToRemove: [...headersToRemove] },
  };
}

/** Answers the client in place of the upstream. */
export function denied({ status: code, headers, body }: HttpAnswer): CheckResponse {
  return {
    status: { code: code === 401 ? status.UNAUTHENTICATED : status.PERMISSION_DENIED },
    deniedResponse: { status: { code }, headers: Object.entries(headers).map(overwriting), body },
  };
}

function overwriting([key, value]: readonly [string, string]): HeaderValueOption {
  return { header: { key, value }, appendAction: OVERWRITE };
}
