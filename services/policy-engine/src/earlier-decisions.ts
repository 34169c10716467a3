import { mergeGraces, pastOf } from '@stance/policy';
import type { Earlier, Verdict } from './decision.js';

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
  return {
    served: () => [...new Set([...Object.keys(once().get(gateway)?.resources ?? {}), ...openResources()])].toSorted(),
    graces: () => once().get(gateway)?.graces ?? [],
    past: () => pastOf(ownFirst()),
    shadowPast: (policyRevision) => ({
      ...pastOf(ownFirst()),
      graces: mergeGraces(
        [...once().values()].map(({ shadow }) =>
          shadow?.policyRevision === policyRevision ? (shadow.graces ?? []) : [],
        ),
      ),
    }),
  };
}

function remembering<Value>(find: () => Value): () => Value {
  let found: { readonly value: Value } | undefined;
  return () => (found ??= { value: find() }).value;
}
