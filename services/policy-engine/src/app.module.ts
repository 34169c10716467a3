import { Module, type DynamicModule } from '@nestjs/common';
import { CLOCK, type Clock } from './clock.js';
import { EngineProgress } from './engine-progress.js';
import { EngineReport } from './engine-report.js';
import { EngineStatusHandler } from './engine-status.handler.js';
import { Engine } from './engine.js';
import { TABLES, type Tables } from './engine.store.js';
import { ExplainHandler } from './explain.handler.js';
import { FleetReview } from './fleet-review.js';
import { HELD_DEVICES } from './hold/held-devices.js';
import { HoldReleasedHandler } from './hold/hold-released.handler.js';
import { Holds } from './hold/holds.js';
import { ENGINE_COUNTS, type EngineCounts } from './metrics.js';
import { OpenSessions } from './open-sessions.js';
import { FleetPlan } from './plan/fleet-plan.js';
import { PlanHandler } from './plan/plan.handler.js';
import { PolicyLog } from './policy-log.js';
import { PolicyPublishedHandler } from './policy-published.handler.js';
import { PostureChangedHandler } from './posture-changed.handler.js';
import { SessionStartedHandler } from './session-started.handler.js';
import { TimerDueHandler } from './timer-due.handler.js';

/** What the handlers work with. */
export interface EngineParts {
  readonly tables: Tables;
  readonly policies: PolicyLog;
  readonly sessions: OpenSessions;
  readonly engine: Engine;
  readonly progress: EngineProgress;
  readonly holds: Holds;
  readonly review: FleetReview;
  /** Of the devices that were held and are no more. */
  readonly heldDevices: FleetReview;
  readonly report: EngineReport;
  readonly plan: FleetPlan;
  readonly counts: EngineCounts;
  readonly now: Clock;
}

@Module({})
export class AppModule {
  static with(parts: EngineParts): DynamicModule {
    return {
      module: AppModule,
      controllers: [
        PostureChangedHandler,
        PolicyPublishedHandler,
        SessionStartedHandler,
        TimerDueHandler,
        ExplainHandler,
        EngineStatusHandler,
        HoldReleasedHandler,
        PlanHandler,
      ],
      providers: [
        { provide: TABLES, useValue: parts.tables },
        { provide: PolicyLog, useValue: parts.policies },
        { provide: OpenSessions, useValue: parts.sessions },
        { provide: Engine, useValue: parts.engine },
        { provide: EngineProgress, useValue: parts.progress },
        { provide: Holds, useValue: parts.holds },
        { provide: FleetReview, useValue: parts.review },
        { provide: HELD_DEVICES, useValue: parts.heldDevices },
        { provide: EngineReport, useValue: parts.report },
        { provide: FleetPlan, useValue: parts.plan },
        { provide: ENGINE_COUNTS, useValue: parts.counts },
        { provide: CLOCK, useValue: parts.now },
      ],
    };
  }
}
