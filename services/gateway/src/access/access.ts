import type { DeviceProof, Reason, ReasonCode } from '@stance/contracts';
import type { AccessRequest, Enforcement, Gateway, Session, Verdict } from '@stance/gateway-sdk';
import type { Identity, Proved } from '../identity/identity.js';

/** Who asks for what: a device as it is proved, a resource that the configuration names, and the user if one is proved. */
export interface Asker extends AccessRequest {
  readonly proof: DeviceProof;
}

/** What lets somebody in; live connections are cut by it. */
export interface Admitted {
  readonly outcome: 'admitted';
  readonly asker: Asker;
  readonly verdict: Verdict;
  /** The session's id; of a break-glass entry, one that no session has. */
  readonly grantId: string;
}

export interface NotAdmitted {
  /** `unproved`: there is no telling who asks. */
  readonly outcome: 'unproved' | 'denied';
  readonly asker: Partial<AccessRequest>;
  readonly reasons: readonly Reason[];
}

export type Admission = Admitted | NotAdmitted;

/** Begins the grant of a break-glass entry, and no session's id. */
export const EMERGENCY_GRANT = 'break-glass:';

/** A device that is let in whatever the policy says. */
export interface Emergency {
  /** Lets it in: told loudly the first time. Undefined where no entry speaks of this device and resource now. */
  admit(asker: Asker): { readonly grantId: string } | undefined;
}

export interface AccessOptions {
  readonly gateway: Pick<Gateway, 'decide' | 'useSession' | 'startSession'>;
  readonly emergency: Emergency;
  /** Absolute lifetime of sessions, in milliseconds. */
  readonly lifetimeMs: number;
  /** A device is let in that the policy denies, as the gateway only reports; once a session. */
  readonly onReportedDenial: (asker: Asker, verdict: Verdict) => void;
}

/** How a request came, for the session that it may begin. */
export interface Occasion {
  readonly enforcement: Enforcement;
  /** Read only when a session begins. */
  readonly traceparent?: () => string | undefined;
}

/**
 * Lets in, or not. The first time a device, user and resource are let in opens their session; nothing comes between looking
 * for it and opening it, so that a crowd of requests opens one.
 */
export class Access {
  constructor(private readonly options: AccessOptions) {}

  /** `resource` is undefined where the configuration names none for this request. */
  admit(identity: Identity, resource: string | undefined, occasion: Occasion): Admission {
    if (identity.outcome !== 'proved') {
      const outcome = identity.outcome === 'unproved' ? 'unproved' : 'denied';
      return { outcome, asker: {}, reasons: identity.reasons };
    }
    if (resource === undefined) {
      const { deviceId, user } = identity;
      const reasons = [reasonOf('decision-missing', 'The proxy names no resource.')];
      return { outcome: 'denied', asker: { deviceId, ...(user !== undefined && { user }) }, reasons };
    }
    return this.decide(askerOf(identity, resource), occasion);
  }

  private decide(asker: Asker, occasion: Occasion): Admission {
    const { gateway, emergency } = this.options;
    const verdict = gateway.decide(asker);
    if (!verdict.allowed) {
      // Whatever the policy says, but not whoever asks: a device that is proved too weakly may be another.
      const isPoorlyProved = verdict.reasons.some(({ code }) => code === 'identity-missing');
      const opened = isPoorlyProved ? undefined : emergency.admit(asker);
      if (opened === undefined) return { outcome: 'denied', asker, reasons: verdict.reasons };
      return { outcome: 'admitted', asker, verdict, grantId: opened.grantId };
    }
    const session = gateway.useSession(asker) ?? this.open(asker, verdict, occasion);
    return { outcome: 'admitted', asker, verdict, grantId: session.sessionId };
  }

  private open(asker: Asker, verdict: Verdict, { enforcement, traceparent }: Occasion): Session {
    const { gateway, lifetimeMs, onReportedDenial } = this.options;
    if (verdict.effect === 'deny') onReportedDenial(asker, verdict);
    const trace = traceparent?.();
    return gateway.startSession({
      ...asker,
      enforcement,
      lifetimeMs,
      ...(trace !== undefined && { traceparent: trace }),
    });
  }
}

function askerOf({ deviceId, proof, user }: Proved, resource: string): Asker {
  return user === undefined ? { deviceId, resource, proof } : { deviceId, resource, proof, user };
}

export function reasonOf(code: ReasonCode, message: string): Reason {
  return { code, message };
}
