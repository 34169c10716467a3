import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { PlanPolicy, type PolicyPlan } from '@stance/contracts';
import { OnRequest } from '@stance/jetstream';
import type { z } from 'zod';
import { FleetPlan } from './fleet-plan.js';

@Controller()
export class PlanHandler {
  constructor(@Inject(FleetPlan) private readonly fleet: FleetPlan) {}

  @OnRequest(PlanPolicy)
  async plan(@Payload() { document }: z.output<typeof PlanPolicy.input>): Promise<PolicyPlan> {
    return this.fleet.plan(document);
  }
}
