import type { ReasonCode } from '@stance/contracts';
import { observeGauge, tallyOf, type MetricDefinition } from '@stance/service-kit';
import type { Verdict } from './decision.js';
import { heldEffectOf, type EffectCounts } from './effects.js';

/** What became of deciding about a device. */
export type EvaluationOutcome = 'done' | 'failed';

/** What is counted of deciding. */
export interface EngineCounts {
  evaluated(outcome: EvaluationOutcome): void;
  /** A decision was stored. */
  decided(gateway: string, verdict: Verdict): void;
  /** A revocation was stored; by its first reason. */
  revoked(gateway: string, code: ReasonCode | 'unknown'): void;
  /** A publication was refused that no policy admin signed. */
  refusedForSignature(): void;
}

/** What handlers count with. */
export const ENGINE_COUNTS = Symbol('engine counts');

const metric = (name: string, unit: string, description: string): MetricDefinition => ({
  meter: '@stance/policy-engine',
  name,
  unit,
  description,
});

/** The process's counters; call it when telemetry has started. */
export function engineCounts(): EngineCounts {
  const evaluations = tallyOf(
    metric('stance.engine.evaluations', '{evaluation}', 'Devices that were decided about, by what came of it'),
    ['outcome'],
  );
  const decisions = tallyOf(
    metric('stance.engine.decisions', '{decision}', 'Decisions about a resource that were stored, by effect'),
    ['gateway', 'effect'],
  );
  const revocations = tallyOf(
    metric('stance.engine.revocations', '{revocation}', 'Sessions that were revoked, by the first reason'),
    ['gateway', 'code'],
  );
  const refusals = tallyOf(
    metric(
      'stance.engine.policy.signature_refusals',
      '{publication}',
      'Policies refused as no policy admin signed them',
    ),
    [],
  );
  // From the start, so that the first one shows as an increase.
  refusals.add([], 0);
  return {
    evaluated: (outcome) => evaluations.add([outcome]),
    decided: (gateway, { resources }) => {
      for (const decision of Object.values(resources)) decisions.add([gateway, heldEffectOf(decision)]);
    },
    revoked: (gateway, code) => revocations.add([gateway, code]),
    refusedForSignature: () => refusals.add([]),
  };
}

export interface ObservedEngine {
  readonly effects: EffectCounts;
  /** Open sessions by gateway. */
  readonly sessions: () => Iterable<readonly [gateway: string, sessions: number]>;
  readonly isPolicyLoaded: () => boolean;
  /** Whether the log says of a policy that it is in force, and it is not verified. */
  readonly isForged: () => boolean;
  readonly isStandingStill: () => boolean;
}

/** Shows how the engine is doing, until the function that is returned is called. */
export function observeEngine({
  effects,
  sessions,
  isPolicyLoaded,
  isForged,
  isStandingStill,
}: ObservedEngine): () => void {
  const endings = [
    observeGauge(metric('stance.engine.effects', '{device}', 'Devices by what holds for them now'), (tell) => {
      for (const { devices, ...labels } of effects.list()) tell(devices, labels);
    }),
    observeGauge(metric('stance.engine.sessions', '{session}', 'Open sessions that the engine watches'), (tell) => {
      for (const [gateway, count] of sessions()) tell(count, { gateway });
    }),
    observeGauge(
      metric('stance.engine.policy.loaded', '1', '0 while the policy in force does not load, so that all is denied'),
      (tell) => tell(isPolicyLoaded() ? 1 : 0),
    ),
    observeGauge(
      metric(
        'stance.engine.policy.unverified',
        '1',
        '1 while the log puts a policy into force that no policy admin signed',
      ),
      (tell) => tell(isForged() ? 1 : 0),
    ),
    observeGauge(
      metric('stance.engine.standstill', '1', '1 while work stands still, so that gateways are told nothing'),
      (tell) => tell(isStandingStill() ? 1 : 0),
    ),
  ];
  return () => endings.forEach((end) => end());
}
