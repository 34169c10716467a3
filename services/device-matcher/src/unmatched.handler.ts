import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { ListUnmatched } from '@stance/contracts';
import { OnRequest } from '@stance/jetstream';
import type { z } from 'zod';
import { UnmatchedListing } from './unmatched.js';

@Controller()
export class UnmatchedHandler {
  constructor(@Inject(UnmatchedListing) private readonly listing: UnmatchedListing) {}

  @OnRequest(ListUnmatched)
  list(
    @Payload() { after, limit }: z.output<typeof ListUnmatched.input>,
  ): Promise<z.output<typeof ListUnmatched.output>> {
    return this.listing.page(after, limit);
  }
}
