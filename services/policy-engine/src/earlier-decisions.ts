import type { GraceState, ResourceDecision } from '@stance/contracts';
import type { Past } from '@stance/policy';
import type { Earlier, Verdict } from './decision.js';

/**
 * The decisions of one device at all gateways, as one past for one of them: its own memory first, then that of the others,
 * so that a gateway that a policy names for the first time knows what the others do.
 */
export function earlierDecisions(
  gateway: string,
  /** By gateway. */
  stored: () => ReadonlyMap<string, Verdict>,
  openResources: () => Iterable<string>,
): Earlier {
  const once = remembering(stored);
  const ownFirst = (): Verdict[] => [
    ...[once().get(gateway)].filter((own) => own !== undefined),
    ...[...once()].filter(([name]) => name !== gateway).map(([, verdict]) => verdict),
  ];
  const reached = (): ReturnType<Past['reached']> => reachedBy(ownFirst());
  return {
    served: () => [...new Set([...Object.keys(once().get(gateway)?.resources ?? {}), ...openResources()])].toSorted(),
    graces: () => once().get(gateway)?.graces ?? [],
    past: () => ({ graces: firstOfEach(ownFirst().flatMap(({ graces = [] }) => graces)), reached }),
    shadowPast: (policyRevision) => ({
      graces: firstOfEach(
        ownFirst().flatMap(({ shadow }) => (shadow?.policyRevision === policyRevision ? (shadow.graces ?? []) : [])),
      ),
      reached,
    }),
  };
}

function firstOfEach(graces: readonly GraceState[]): GraceState[] {
  const first = new Map<string, GraceState>();
  for (const grace of graces) {
    const key = `${grace.rule}\n${grace.posture}`;
    if (!first.has(key)) first.set(key, grace);
  }
  return [...first.values()];
}

function reachedBy(verdicts: readonly Verdict[]): Map<string, ResourceDecision> {
  const reached = new Map<string, ResourceDecision>();
  for (const { resources } of verdicts) {
    for (const [name, decision] of Object.entries(resources)) if (!reached.has(name)) reached.set(name, decision);
  }
  return reached;
}

function remembering<Value>(find: () => Value): () => Value {
  let found: { readonly value: Value } | undefined;
  return () => (found ??= { value: find() }).value;
}
