import { Module, type DynamicModule } from '@nestjs/common';
import { AgentMatchedHandler } from './agent-matched.handler.js';
import { DeviceRecordedHandler } from './device-recorded.handler.js';
import { PostureKeeper } from './posture-keeper.js';
import { PostureRequestsHandler } from './posture-requests.handler.js';
import { TABLES, type Tables } from './posture.store.js';

@Module({})
export class AppModule {
  static with(keeper: PostureKeeper, tables: Tables): DynamicModule {
    return {
      module: AppModule,
      controllers: [AgentMatchedHandler, DeviceRecordedHandler, PostureRequestsHandler],
      providers: [
        { provide: PostureKeeper, useValue: keeper },
        { provide: TABLES, useValue: tables },
      ],
    };
  }
}
