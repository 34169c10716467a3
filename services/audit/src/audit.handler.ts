import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { ListAudit, VerifyAudit } from '@stance/contracts';
import { OnRequest } from '@stance/jetstream';
import type { z } from 'zod';
import { TrailReader } from './trail-reader.js';
import type { AuditVerification } from './verify-trail.js';

@Controller()
export class AuditHandler {
  constructor(@Inject(TrailReader) private readonly reader: TrailReader) {}

  @OnRequest(ListAudit)
  async list(
    @Payload() { device, limit }: z.output<typeof ListAudit.input>,
  ): Promise<z.output<typeof ListAudit.output>> {
    return { records: await this.reader.newest(limit, device) };
  }

  @OnRequest(VerifyAudit)
  async verify(): Promise<AuditVerification> {
    return this.reader.verify();
  }
}
