import { z } from 'zod';

/**
 * The sections and fields of a tailnet policy file that bear on access, by
 * https://tailscale.com/docs/reference/syntax/policy-file and https://tailscale.com/docs/reference/syntax/grants.
 * Tailscale reads names of sections and fields in any case; older files write `ACLs` and `Users`.
 */
const texts = z.array(z.string());

const accessFields = {
  src: texts.optional(),
  dst: texts.optional(),
  srcPosture: texts.optional(),
};

const acl = folded({
  action: z.string(),
  proto: z.string().optional(),
  users: texts.optional(),
  ports: texts.optional(),
  ...accessFields,
});

const grant = folded({
  ip: texts.nullish(),
  app: z.unknown().optional(),
  via: texts.nullish(),
  ...accessFields,
});

const test = folded({
  src: z.string().optional(),
  user: z.string().optional(),
  srcPostureAttrs: z.record(z.string(), z.union([z.boolean(), z.number(), z.string()])).optional(),
  proto: z.string().optional(),
  accept: texts.optional(),
  allow: texts.optional(),
  deny: texts.optional(),
});

/** Sections that are carried over, or that say who or what the names in the rules are. */
export const tailscalePolicyFile = folded({
  groups: z.record(z.string(), texts).optional(),
  hosts: z.record(z.string(), z.string()).optional(),
  tagOwners: z.record(z.string(), z.unknown()).optional(),
  ipsets: z.record(z.string(), z.unknown()).optional(),
  postures: z.record(z.string(), texts).optional(),
  defaultSrcPosture: texts.optional(),
  acls: z.array(acl).optional(),
  grants: z.array(grant).optional(),
  tests: z.array(test).optional(),
  ssh: z.array(z.unknown()).optional(),
  sshTests: z.array(z.unknown()).optional(),
  autoApprovers: z.unknown().optional(),
  nodeAttrs: z.unknown().optional(),
  derpMap: z.unknown().optional(),
  disableIPv4: z.unknown().optional(),
  OneCGNATRoute: z.unknown().optional(),
  randomizeClientPort: z.unknown().optional(),
});

export type TailscalePolicyFile = z.infer<typeof tailscalePolicyFile>;
export type TailscaleAcl = NonNullable<TailscalePolicyFile['acls']>[number];
export type TailscaleGrant = NonNullable<TailscalePolicyFile['grants']>[number];
export type TailscaleTest = NonNullable<TailscalePolicyFile['tests']>[number];

/** An object whose names are read in any case. A name that is not known is refused: what it restricts is not known either. */
function folded<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]));
  return z.preprocess((value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const entries = Object.entries(value).map(([key, field]) => [known.get(key.toLowerCase()) ?? key, field] as const);
    const names = entries.map(([name]) => name);
    // Written in two cases, it is left as it stands, to be refused.
    return names.length === new Set(names).size ? Object.fromEntries(entries) : value;
  }, z.strictObject(shape));
}
