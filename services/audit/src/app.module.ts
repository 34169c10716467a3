import { Module, type DynamicModule } from '@nestjs/common';
import { AuditHandler } from './audit.handler.js';
import { TrailReader } from './trail-reader.js';

@Module({})
export class AppModule {
  static with(reader: TrailReader): DynamicModule {
    return {
      module: AppModule,
      controllers: [AuditHandler],
      providers: [{ provide: TrailReader, useValue: reader }],
    };
  }
}
