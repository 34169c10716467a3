import { PolicyActivated, PolicyPublished, type DataOf } from '@stance/contracts';
import { compilePolicy, parsePolicy, type CompiledPolicy } from '@stance/policy';
import type { Stack } from '../stack.js';
import { HistoryLacking, recordedEvent } from './read-trail.js';
import type { AuditRecord } from './trail-at.js';

export interface PolicyAt {
  readonly revision: number;
  readonly compiled: CompiledPolicy;
}

/**
 * The policy that was in force after what is recorded, oldest first. Throws {@link HistoryLacking} where none was, where
 * its document is missing, or where it is no valid policy any more.
 */
export async function policyAfter(stack: Stack, records: readonly AuditRecord[], when: string): Promise<PolicyAt> {
  const revision = await revisionAfter(stack, records);
  if (revision === undefined) throw new HistoryLacking(`no policy was in force at ${when}: everything was denied`);
  const published = await publicationOf(stack, records, revision);
  if (published === undefined) {
    throw new HistoryLacking(`revision ${revision} was in force at ${when}, but its document is not recorded`);
  }
  const parsed = parsePolicy(published.document);
  if (parsed.ok) return { revision, compiled: compilePolicy(parsed.policy) };
  const why = parsed.errors[0]?.message ?? 'no reason given';
  throw new HistoryLacking(
    `revision ${revision}, in force at ${when}, is no valid policy for this version of stance: ${why}`,
  );
}

async function revisionAfter(stack: Stack, records: readonly AuditRecord[]): Promise<number | undefined> {
  for (const record of ofContract(records, PolicyActivated).toReversed()) {
    // What is no event of the engine was no activation.
    const activation = (await recordedEvent(stack, PolicyActivated, record))?.data;
    if (activation?.outcome === 'active' && activation.mode !== 'report') return activation.revision;
  }
  return undefined;
}

/** The first of a revision counts: one put into force never changes. */
async function publicationOf(
  stack: Stack,
  records: readonly AuditRecord[],
  revision: number,
): Promise<DataOf<typeof PolicyPublished> | undefined> {
  for (const record of ofContract(records, PolicyPublished)) {
    const published = (await recordedEvent(stack, PolicyPublished, record))?.data;
    if (published?.revision === revision) return published;
  }
  return undefined;
}

function ofContract(records: readonly AuditRecord[], { subjectPrefix }: { subjectPrefix: string }): AuditRecord[] {
  return records.filter(({ subject }) => subject === subjectPrefix);
}
