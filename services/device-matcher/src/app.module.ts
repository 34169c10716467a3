import { Module, type DynamicModule } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { AgentObservedHandler } from './agent-observed.handler.js';
import { DeviceRecordedHandler } from './device-recorded.handler.js';
import { LinkExpiry } from './link-expiry.js';
import { Matcher } from './matcher.js';
import { TABLES, type Tables } from './matching.store.js';
import { OperatorActedHandler } from './operator-acted.handler.js';
import type { Roster } from './roster.js';
import { UnmatchedHandler } from './unmatched.handler.js';
import { UnmatchedListing } from './unmatched.js';

export interface MatcherParts {
  readonly connection: NatsConnection;
  readonly matcher: Matcher;
  readonly roster: Roster;
  readonly tables: Tables;
  readonly expiry: LinkExpiry;
}

@Module({})
export class AppModule {
  static with({ connection, matcher, roster, tables, expiry }: MatcherParts): DynamicModule {
    return {
      module: AppModule,
      controllers: [AgentObservedHandler, DeviceRecordedHandler, OperatorActedHandler, UnmatchedHandler],
      providers: [
        { provide: Matcher, useValue: matcher },
        { provide: TABLES, useValue: tables },
        { provide: LinkExpiry, useValue: expiry },
        { provide: UnmatchedListing, useValue: new UnmatchedListing(connection, tables, roster) },
      ],
    };
  }
}
