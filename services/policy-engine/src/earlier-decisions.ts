import type { ResourceDecision } from '@stance/contracts';
import type { Past } from '@stance/policy';
import type { Earlier, Verdict } from './decision.js';
import { mergeGraces } from './merge-graces.js';

/**
 * The decisions of one device at all gateways, as one past for one of them: a gateway that a policy names for the first time
 * knows what the others do. Of what could be reached its own decision counts first.
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
    past: () => ({ graces: mergeGraces([...once().values()].map(({ graces = [] }) => graces)), reached }),
    shadowPast: (policyRevision) => ({
      graces: mergeGraces(
        [...once().values()].map(({ shadow }) =>
          shadow?.policyRevision === policyRevision ? (shadow.graces ?? []) : [],
        ),
      ),
      reached,
    }),
  };
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
