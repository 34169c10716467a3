import type { GraceState, ResourceDecision } from '@stance/contracts';
import type { Moment, Outcome, Recorded } from '@stance/testing';
import {
  compilePolicy,
  evaluateGateway,
  parsePolicy,
  pastOf,
  type CompiledPolicy,
  type Evaluation,
  type PostureSubject,
} from '../index.js';

type Decision = NonNullable<Outcome['decision']>;

/** What is kept between two moments of a gateway, as the engine keeps it in its decisions. */
interface Kept {
  readonly decision: Decision;
  /** Of the policy in report mode. */
  readonly shadowGraces: readonly GraceState[];
}

/** Tells the moments of one case by the evaluator alone, handing on what it remembers. */
export class Evaluator {
  private active: CompiledPolicy | undefined;
  private reporting: CompiledPolicy | undefined;
  private kept = new Map<string, Kept>();
  /** Open sessions, as `<gateway>/<resource>`. */
  private readonly sessions = new Set<string>();

  constructor(private readonly deviceId: string) {}

  tell(moment: Moment): Outcome {
    const errors = moment.policy === undefined ? undefined : this.publish(moment.policy);
    const changed = this.decideAll(moment);
    for (const resource of moment.sessions) this.sessions.add(`${moment.gateway}/${resource}`);
    const decision = this.kept.get(moment.gateway)?.decision;
    const revoked = this.revoke(moment, decision);
    const audit: Recorded[] = changed.has(moment.gateway) && decision !== undefined ? [recorded(decision, moment)] : [];
    const { gateway } = moment;
    for (const resource of revoked) {
      const reasons = decision?.resources[resource]?.reasons ?? [];
      audit.push({ event: 'session.revoked', gateway, resource, reasons });
    }
    return { decision, revoked, audit, errors };
  }

  private publish(document: string): Outcome['errors'] {
    const parsed = parsePolicy(document);
    if (!parsed.ok) return parsed.errors;
    const compiled = compilePolicy(parsed.policy);
    if (parsed.policy.mode === 'report') {
      this.reporting = compiled;
    } else {
      this.active = compiled;
      this.reporting = undefined;
    }
    for (const [gateway, kept] of this.kept) this.kept.set(gateway, { ...kept, shadowGraces: [] });
    return undefined;
  }

  /** The gateways whose decision became another. */
  private decideAll(moment: Moment): Set<string> {
    const { active } = this;
    const decided = new Map<string, Kept>();
    for (const gateway of active?.gateways.keys() ?? []) {
      if (active !== undefined) decided.set(gateway, this.decide(active, gateway, moment));
    }
    const changed = [...decided].filter(
      ([gateway, { decision }]) => JSON.stringify(this.kept.get(gateway)?.decision) !== JSON.stringify(decision),
    );
    this.kept = decided;
    return new Set(changed.map(([gateway]) => gateway));
  }

  private decide(active: CompiledPolicy, gateway: string, { posture, at }: Moment): Kept {
    const subject = posture && { deviceId: this.deviceId, ...posture };
    const before = this.ownFirst(gateway);
    const past = pastOf(before.map(({ decision }) => decision));
    const enforced = evaluateGateway(active, gateway, subject, at, past);
    const beside = this.reporting?.gateways.has(gateway)
      ? this.besides(this.reporting, gateway, subject, at, before)
      : undefined;
    const { resources, graces } = enforced;
    return {
      decision: {
        resources,
        graces,
        reviewAt: earliest(enforced.reviewAt, beside?.reviewAt ?? null),
        shadow: beside && otherEffects(resources, beside.resources),
      },
      shadowGraces: beside?.graces ?? [],
    };
  }

  private besides(
    policy: CompiledPolicy,
    gateway: string,
    subject: PostureSubject | undefined,
    at: number,
    before: readonly Kept[],
  ): Evaluation {
    const past = pastOf(before.map(({ decision, shadowGraces }) => ({ ...decision, graces: shadowGraces })));
    return evaluateGateway(policy, gateway, subject, at, past);
  }

  /** What a gateway does not know itself it learns from the others. */
  private ownFirst(gateway: string): Kept[] {
    const own = this.kept.get(gateway);
    const others = [...this.kept].filter(([name]) => name !== gateway).map(([, kept]) => kept);
    return own === undefined ? others : [own, ...others];
  }

  private revoke({ gateway, wanted }: Moment, decision: Decision | undefined): string[] {
    const open = [...this.sessions].filter((session) => session.startsWith(`${gateway}/`));
    const denied = open
      .map((session) => session.slice(gateway.length + 1))
      .filter((resource) => isRefused(decision?.resources[resource]) && wanted.held[resource] === undefined);
    for (const resource of denied) this.sessions.delete(`${gateway}/${resource}`);
    return denied;
  }
}

const isRefused = (decision: ResourceDecision | undefined): boolean =>
  decision === undefined || (decision.effect === 'deny' && decision.enforced);

function otherEffects(enforced: Evaluation['resources'], beside: Evaluation['resources']): Decision['shadow'] {
  const names = new Set([...Object.keys(enforced), ...Object.keys(beside)]);
  const shadow: NonNullable<Decision['shadow']> = {};
  for (const name of names) {
    const { effect, reasons } = beside[name] ?? { effect: 'deny', reasons: [] };
    if (effect !== (enforced[name]?.effect ?? 'deny')) shadow[name] = { effect, reasons };
  }
  return shadow;
}

function earliest(...times: readonly (number | null)[]): string | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : new Date(Math.min(...known)).toISOString();
}

function recorded({ resources, reviewAt, graces }: Decision, { gateway, at }: Moment): Recorded {
  return {
    event: 'decision.changed',
    gateway,
    resources: { ...resources },
    reviewAt,
    graces: [...graces],
    decidedAt: new Date(at).toISOString(),
  };
}
