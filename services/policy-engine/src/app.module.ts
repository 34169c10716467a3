import { Module, type DynamicModule } from '@nestjs/common';
import { EngineProgress } from './engine-progress.js';
import { EngineReport } from './engine-report.js';
import { Engine } from './engine.js';
import { TABLES, type Tables } from './engine.store.js';
import { ExplainHandler } from './explain.handler.js';
import { FleetReview } from './fleet-review.js';
import { OpenSessions } from './open-sessions.js';
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
  readonly review: FleetReview;
  readonly report: EngineReport;
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
      ],
      providers: [
        { provide: TABLES, useValue: parts.tables },
        { provide: PolicyLog, useValue: parts.policies },
        { provide: OpenSessions, useValue: parts.sessions },
        { provide: Engine, useValue: parts.engine },
        { provide: EngineProgress, useValue: parts.progress },
        { provide: FleetReview, useValue: parts.review },
        { provide: EngineReport, useValue: parts.report },
      ],
    };
  }
}
