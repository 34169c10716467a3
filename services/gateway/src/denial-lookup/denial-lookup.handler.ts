import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { LookUpDenial, type DenialWithSecret } from '@stance/contracts';
import { OnRequest } from '@stance/jetstream';
import type { z } from 'zod';
import { Denials } from '../access/denials.js';

/** For `stance explain <id>`: the replica that gave the answer has it in memory, the others stay silent. */
@Controller()
export class DenialLookupHandler {
  constructor(@Inject(Denials) private readonly denials: Denials) {}

  @OnRequest(LookUpDenial)
  lookUp(@Payload() { denialId }: z.output<typeof LookUpDenial.input>): DenialWithSecret | undefined {
    return this.denials.withSecret(denialId);
  }
}
