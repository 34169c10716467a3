import { Controller, Inject } from '@nestjs/common';
import { GetEngineStatus, type EngineStatus } from '@stance/contracts';
import { OnRequest } from '@stance/jetstream';
import { CLOCK, type Clock } from './clock.js';
import { FleetReview } from './fleet-review.js';
import { HeldSessions } from './held-sessions.js';
import { Holds } from './hold/holds.js';
import { OpenSessions } from './open-sessions.js';
import { PolicyLog } from './policy-log.js';

/** Of a policy that does not load: more would help nobody, and might not fit into an answer. */
const MAX_ERRORS = 10;

@Controller()
export class EngineStatusHandler {
  private readonly heldSessions: HeldSessions;

  constructor(
    @Inject(PolicyLog) private readonly policies: PolicyLog,
    @Inject(FleetReview) private readonly review: FleetReview,
    @Inject(Holds) private readonly holds: Holds,
    @Inject(OpenSessions) sessions: OpenSessions,
    @Inject(CLOCK) now: Clock,
  ) {
    this.heldSessions = new HeldSessions(sessions, now);
  }

  @OnRequest(GetEngineStatus)
  async status(): Promise<EngineStatus> {
    const holds = await this.heldSessions.countedIn(this.holds.list());
    const { active, reporting, signature, unverifiedActivation } = this.policies;
    return {
      policyRevision: active?.revision ?? 0,
      policyLoads: active === undefined || active.ok,
      ...(active?.ok === false && { policyErrors: active.errors.slice(0, MAX_ERRORS) }),
      ...(reporting !== undefined && { reportingRevision: reporting.revision }),
      ...(signature !== undefined && { policySigner: signature.signer }),
      ...(unverifiedActivation !== undefined && { unverifiedRevision: unverifiedActivation.revision }),
      review: this.review.progress ?? null,
      holds: holds.map(({ gateway, since, until, devices, sessions }) => ({
        gateway,
        since: new Date(since).toISOString(),
        until: new Date(until).toISOString(),
        devices: devices.size,
        sessions,
      })),
    };
  }
}
