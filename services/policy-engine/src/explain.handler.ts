import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Explain, type Explanation } from '@stance/contracts';
import { OnRequest, RequestFailed } from '@stance/jetstream';
import { explain } from '@stance/policy';
import type { z } from 'zod';
import { CLOCK, type Clock } from './clock.js';
import { deserialise, ownOf } from './decision.js';
import { Engine } from './engine.js';
import { EngineProgress } from './engine-progress.js';
import { subjectOf, TABLES, type Tables } from './engine.store.js';
import type { UsablePolicy } from './loaded-policy.js';
import { PolicyLog } from './policy-log.js';

@Controller()
export class ExplainHandler {
  constructor(
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(PolicyLog) private readonly policies: PolicyLog,
    @Inject(EngineProgress) private readonly progress: EngineProgress,
    @Inject(Engine) private readonly engine: Engine,
    @Inject(CLOCK) private readonly now: Clock,
  ) {}

  @OnRequest(Explain)
  explain(@Payload() { deviceId, resource }: z.output<typeof Explain.input>): Explanation {
    const posture = this.tables.postures.get({ deviceId });
    if (posture === undefined) throw new RequestFailed('not-found', `no device ${deviceId} is known`);
    const policy = this.usablePolicy();
    const now = this.now();
    return {
      deviceId,
      resource,
      ...explain(policy.compiled, subjectOf(posture), resource, now, this.engine.pastOf(deviceId)),
      postureRevision: posture.revision,
      policyRevision: policy.revision,
      evaluatedAt: new Date(now).toISOString(),
      decisions: this.decisionsOf(deviceId, resource),
    };
  }

  private usablePolicy(): UsablePolicy {
    const policy = this.policies.active;
    if (policy === undefined) throw new RequestFailed('not-ready', 'no policy is in force: everything is denied');
    if (policy.ok) return policy;
    const why = policy.errors[0]?.message ?? 'no reason is given';
    throw new RequestFailed(
      'not-ready',
      `revision ${policy.revision} no longer loads: ${why}; until another one is in force, everything is denied`,
    );
  }

  private decisionsOf(deviceId: string, resource: string): Explanation['decisions'] {
    return [...this.progress.gateways].flatMap((gateway) => {
      const stored = this.tables.decisions.get({ gateway, deviceId });
      if (stored === undefined) return [];
      const { resources, identity } = deserialise(stored.verdict);
      const decision = ownOf(resources, resource);
      if (decision === undefined) return [];
      return [{ gateway, decidedAt: stored.decidedAt, decision, ...(identity !== undefined && { identity }) }];
    });
  }
}
