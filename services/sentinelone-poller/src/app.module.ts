import { Module } from '@nestjs/common';

/** The poller takes no messages: it has no handlers, only the work that its service definition starts. */
@Module({})
export class AppModule {}
