import type { DeviceProof, Reason, ReasonCode } from '@stance/contracts';
import type { Gateway, SessionKey, Verdict } from '@stance/gateway-sdk';
import { readClaims, type ClaimHeaders, type Claims } from './claims.js';

/** What the proxy is told. */
export type Answer =
  | { readonly outcome: 'allowed'; readonly key: SessionKey; readonly verdict: Verdict }
  | { readonly outcome: 'unproved'; readonly reasons: readonly Reason[] }
  | { readonly outcome: 'denied'; readonly key: Partial<SessionKey>; readonly reasons: readonly Reason[] };

export interface Request {
  readonly rawHeaders: readonly string[];
  readonly isFromListedProxy: boolean;
  readonly resourceInPath: string | undefined;
  /** Read only when a session begins. */
  readonly traceparent: () => string | undefined;
}

export interface AuthorizerOptions extends ClaimHeaders {
  readonly gateway: Pick<Gateway, 'decide' | 'findSession' | 'startSession'>;
  readonly deviceProof: DeviceProof;
  /** A device is let in that the policy denies, as the gateway only reports; once a session. */
  readonly onReportedDenial: (key: SessionKey, verdict: Verdict) => void;
  readonly lifetimeMs: number;
}

/**
 * Decides about one request of a proxy. The first allow of a device, user and resource opens their session; within one
 * process nothing comes between looking for it and opening it, so that a crowd of requests opens one.
 */
export function authorize(request: Request, options: AuthorizerOptions): Answer {
  const claims = readClaims(request.rawHeaders, options, request.isFromListedProxy);
  if ('forged' in claims) return { outcome: 'denied', key: {}, reasons: [reasonOf('identity-forged', claims.forged)] };
  if (claims.device === undefined) {
    return { outcome: 'unproved', reasons: [reasonOf('identity-missing', 'The request proves no device.')] };
  }
  const resource = options.resourceFrom === 'path' ? request.resourceInPath : claims.resource;
  const key = keyOf(claims.device, claims);
  if (resource === undefined) {
    return { outcome: 'denied', key, reasons: [reasonOf('decision-missing', 'The proxy names no resource.')] };
  }
  return decide({ ...key, resource }, request, options);
}

function decide(key: SessionKey, request: Request, options: AuthorizerOptions): Answer {
  const { gateway, deviceProof: proof, lifetimeMs } = options;
  const verdict = gateway.decide({ ...key, proof });
  if (!verdict.allowed) return { outcome: 'denied', key, reasons: verdict.reasons };
  if (gateway.findSession(key) === undefined) {
    const traceparent = request.traceparent();
    if (verdict.effect === 'deny') options.onReportedDenial(key, verdict);
    gateway.startSession({
      ...key,
      proof,
      enforcement: 'next-request',
      lifetimeMs,
      ...(traceparent !== undefined && { traceparent }),
    });
  }
  return { outcome: 'allowed', key, verdict };
}

/** `X-Stance-Decision`: the effect, what it was decided on, and what a warning or a report adds. */
export function decisionHeader({ effect, enforced, revisions, until }: Verdict): string {
  const reported = enforced ? '' : '; enforced=false';
  const warned = until === undefined ? '' : `; until=${until}`;
  return `${effect}; policy=${revisions.policy}; posture=${revisions.posture}${warned}${reported}`;
}

function keyOf(deviceId: string, { user }: Claims): { deviceId: string; user?: string } {
  return { deviceId, ...(user !== undefined && { user }) };
}

export function reasonOf(code: ReasonCode, message: string): Reason {
  return { code, message };
}
