import { Controller, Inject } from '@nestjs/common';
import { GetEngineStatus, type EngineStatus } from '@stance/contracts';
import { OnRequest } from '@stance/jetstream';
import { CLOCK, type Clock } from './clock.js';
import { FleetReview } from './fleet-review.js';
import { Holds, type GatewayHold } from './hold/holds.js';
import { OpenSessions } from './open-sessions.js';
import { PolicyLog } from './policy-log.js';

@Controller()
export class EngineStatusHandler {
  constructor(
    @Inject(PolicyLog) private readonly policies: PolicyLog,
    @Inject(FleetReview) private readonly review: FleetReview,
    @Inject(Holds) private readonly holds: Holds,
    @Inject(OpenSessions) private readonly sessions: OpenSessions,
    @Inject(CLOCK) private readonly now: Clock,
  ) {}

  @OnRequest(GetEngineStatus)
  status(): EngineStatus {
    const { active, reporting } = this.policies;
    return {
      policyRevision: active?.revision ?? 0,
      policyLoads: active === undefined || active.ok,
      ...(reporting !== undefined && { reportingRevision: reporting.revision }),
      review: this.review.progress ?? null,
      holds: this.holds.list().map((hold) => this.told(hold)),
    };
  }

  private told({ gateway, since, until, devices }: GatewayHold): EngineStatus['holds'][number] {
    const now = this.now();
    let sessions = 0;
    for (const deviceId of devices) {
      sessions += this.sessions.of(deviceId, now).filter((session) => session.gateway === gateway).length;
    }
    return {
      gateway,
      since: new Date(since).toISOString(),
      until: new Date(until).toISOString(),
      devices: devices.size,
      sessions,
    };
  }
}
