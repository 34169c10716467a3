import { attributeValue, graceState, PostureChanged, resourceDecision } from '@stance/contracts';
import { z } from 'zod';

const { device, agents, problems } = PostureChanged.data.shape;

/** A time, however it is written, as decisions write it. */
const moment = z.iso.datetime().transform((text) => new Date(text).toISOString());
const orAbsent = <Field extends z.ZodType>(field: Field) => field.nullable().optional();

const agent = agents.element.extend({
  source: z.string().default('acme'),
  /** `agent-1` for the first. */
  agentId: z.string().optional(),
  by: agents.element.shape.by.default('serial'),
  /** Left out: at the time of the moment that names it. */
  observedAt: z.iso.datetime().optional(),
});

/** A value alone is the first agent's; `null` takes one away. */
const attribute = z.union([attributeValue, z.strictObject({ value: attributeValue, agent: z.int() }), z.null()]);

/** What happens: of a first moment the situation, of a later one what becomes different. */
const happening = {
  /** `id` where the policy names the device. */
  device: device.partial().extend({ id: z.string().optional() }).optional(),
  agents: z.array(agent).optional(),
  attributes: z.record(z.string(), attribute).optional(),
  problems: problems.optional(),
  /** Names of resources to which the device opens a session, once all this is decided about. */
  sessions: z.array(z.string()).default([]),
};

const resourceWanted = z.looseObject({
  effect: resourceDecision.shape.effect,
  until: orAbsent(moment),
  graceSince: orAbsent(moment),
});
const graceWanted = z.strictObject({
  rule: graceState.shape.rule,
  posture: graceState.shape.posture,
  resources: orAbsent(z.array(z.string())),
  failingSince: orAbsent(moment),
  heldSince: orAbsent(moment),
});

/** What has to come of it; what is not named may be anything, and `null` stands for what must not be there. */
const wanted = {
  /** Whose decision is looked at; that of the moment before by default, `edge` at first. */
  gateway: z.string().optional(),
  expect: z.record(z.string(), resourceWanted).optional(),
  reviewAt: moment.nullable().optional(),
  /** All that is remembered of requirements with grace. */
  graces: z.array(graceWanted).optional(),
  /** All the resources that the policy in report mode would decide otherwise; `null` where there is no such policy. */
  shadow: z.record(z.string(), resourceWanted).nullable().optional(),
  /** Resources whose sessions are revoked, of those that are open. */
  revoked: z.array(z.string()).default([]),
  /** Denials that the gateway's `hold` keeps from being enforced, and until when. The evaluator knows nothing of it. */
  held: z.record(z.string(), moment).default({}),
  /** All that the audit trail records of it at the gateway: decisions, then revocations. */
  audit: z.array(z.looseObject({ event: z.enum(['decision.changed', 'session.revoked']) })).optional(),
  /** The policy is refused with these, and the one before stays. */
  errors: z.array(z.looseObject({ message: z.string() })).optional(),
};

const happeningAt = z.strictObject({ at: z.iso.datetime(), policy: z.string().optional(), ...happening, ...wanted });

/** A first situation or a later step. */
export type Happening = z.infer<typeof happeningAt>;
export type Wanted = Pick<Happening, keyof typeof wanted>;
export type GoldenAgent = z.infer<typeof agent>;

/** Whether the posture of the device is told anew. */
export function changesPosture({ device, agents, attributes, problems }: Happening): boolean {
  return [device, agents, attributes, problems].some((part) => part !== undefined);
}

const step = happeningAt.refine(
  (happened) => happened.policy === undefined || !changesPosture(happened),
  'a step changes the policy or the posture: what is decided in between would count',
);

/** One situation and what has to come of it, and what follows: the specification of one rule of the language. */
export const goldenCase = z.strictObject({
  policy: z.string(),
  /** The time of the first moment. */
  now: z.iso.datetime(),
  ...happening,
  ...wanted,
  /** Devices to which all the same happens, each time before it happens to this one: for what a `hold` counts. */
  alike: z.int().nonnegative().default(0),
  /** What becomes of the tests in the policy. */
  tests: z.array(z.looseObject({ name: z.string(), passed: z.boolean() })).optional(),
  /** What happens afterwards, in order; a step that names nothing but `at` is time passing. */
  steps: z.array(step).default([]),
});
export type GoldenCase = z.infer<typeof goldenCase>;
