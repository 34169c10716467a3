import { z } from 'zod';

const timestamp = z.string();

/** A sweep that would have retired more agents than is believed without a person's word. */
export const refusedSweep = z.object({
  startedAt: timestamp,
  absent: z.int().positive(),
  present: z.int().positive(),
  limit: z.int().nonnegative(),
  examples: z.array(z.string()),
  digest: z.string(),
});
export type RefusedSweep = z.infer<typeof refusedSweep>;

const stored = z.object({
  updatedAt: timestamp,
  threatsReadTo: timestamp.optional(),
  removalsReadTo: timestamp.optional(),
  contactsReadTo: timestamp.optional(),
  sweepReadAt: timestamp.optional(),
  sweepCompletedAt: timestamp.optional(),
  // One that does not name its agents waits for nobody: it is refused anew.
  refusedSweep: refusedSweep.optional().catch(undefined),
});

/** How far each lane has read a source: everything up to these times of the console's has been published. */
export interface Checkpoint {
  /** Of the agents' `updatedAt`. */
  readonly updatedAt: string;
  /** Of the threats' `updatedAt`. */
  readonly threatsReadTo: string;
  /** Of the `createdAt` of activities that tell of removals. */
  readonly removalsReadTo: string;
  /** Of the agents' `lastActiveDate`. */
  readonly contactsReadTo: string;
  /** When a sweep was last read to its end, believed or not, by our own clock. */
  readonly sweepReadAt?: string | undefined;
  /** When the last believed sweep was complete, by our own clock. */
  readonly sweepCompletedAt?: string | undefined;
  /** The last sweep, while it waits for a person. */
  readonly refusedSweep?: RefusedSweep | undefined;
}

/** A source read up to one time and nothing else known of it. */
export function checkpointAt(updatedAt: string): Checkpoint {
  return { updatedAt, threatsReadTo: updatedAt, removalsReadTo: updatedAt, contactsReadTo: updatedAt };
}

/** The same place, as if nobody had ever read everything. */
export function unswept({ updatedAt, threatsReadTo, removalsReadTo, contactsReadTo }: Checkpoint): Checkpoint {
  return { updatedAt, threatsReadTo, removalsReadTo, contactsReadTo };
}

/** A stored checkpoint; the places that an older version did not keep are that of the agents. Throws `ZodError`. */
export function readCheckpoint(value: unknown): Checkpoint {
  const { threatsReadTo, removalsReadTo, contactsReadTo, ...rest } = stored.parse(value);
  return {
    ...checkpointAt(rest.updatedAt),
    ...rest,
    ...(threatsReadTo !== undefined && { threatsReadTo }),
    ...(removalsReadTo !== undefined && { removalsReadTo }),
    ...(contactsReadTo !== undefined && { contactsReadTo }),
  };
}
