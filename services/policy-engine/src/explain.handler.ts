import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Explain, type Explanation } from '@stance/contracts';
import { OnRequest, RequestFailed } from '@stance/jetstream';
import { explain } from '@stance/policy';
import type { z } from 'zod';
import { deserialise } from './decision.js';
import { Engine } from './engine.js';
import { EngineProgress } from './engine-progress.js';
import { subjectOf, TABLES, type Tables } from './engine.store.js';
import { PolicyLog } from './policy-log.js';

@Controller()
export class ExplainHandler {
  constructor(
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(PolicyLog) private readonly policies: PolicyLog,
    @Inject(EngineProgress) private readonly progress: EngineProgress,
    @Inject(Engine) private readonly engine: Engine,
  ) {}

  @OnRequest(Explain)
  explain(@Payload() { deviceId, resource }: z.output<typeof Explain.input>): Explanation {
    const posture = this.tables.postures.get({ deviceId });
    if (posture === undefined) throw new RequestFailed('not-found', `no device ${deviceId} is known`);
    const policy = this.policies.active;
    if (!policy?.ok) throw new RequestFailed('not-ready', 'no policy is in force: everything is denied');
    const now = Date.now();
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

  private decisionsOf(deviceId: string, resource: string): Explanation['decisions'] {
    return [...this.progress.gateways].flatMap((gateway) => {
      const stored = this.tables.decisions.get({ gateway, deviceId });
      const decision = stored === undefined ? undefined : deserialise(stored.verdict).resources[resource];
      return stored === undefined || decision === undefined ? [] : [{ gateway, decidedAt: stored.decidedAt, decision }];
    });
  }
}
