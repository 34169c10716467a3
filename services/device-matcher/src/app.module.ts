import { Module, type DynamicModule } from '@nestjs/common';
import { AgentObservedHandler } from './agent-observed.handler.js';
import { DeviceRecordedHandler } from './device-recorded.handler.js';
import { Matcher } from './matcher.js';
import { TABLES, type Tables } from './matching.store.js';
import { UnmatchedHandler } from './unmatched.handler.js';

@Module({})
export class AppModule {
  static with(matcher: Matcher, tables: Tables): DynamicModule {
    return {
      module: AppModule,
      controllers: [AgentObservedHandler, DeviceRecordedHandler, UnmatchedHandler],
      providers: [
        { provide: Matcher, useValue: matcher },
        { provide: TABLES, useValue: tables },
      ],
    };
  }
}
