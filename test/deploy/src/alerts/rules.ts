import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

const Duration = z.string().regex(/^(\d+(ms|[smhdwy]))+$/);

const Rule = z.strictObject({
  alert: z.string().optional(),
  record: z.string().optional(),
  expr: z.string(),
  for: Duration.optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook_url: z.string() }).optional(),
});

const RuleFile = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), interval: Duration.optional(), rules: z.array(Rule) })),
});

export type Rule = z.output<typeof Rule>;
export type RuleFile = z.output<typeof RuleFile>;

/** Rules as Prometheus reads them. Throws a `ZodError` for a file that has what ours should not have. */
export function parseRules(text: string): RuleFile {
  return RuleFile.parse(parse(text));
}

export async function readRules(path: string): Promise<Rule[]> {
  return parseRules(await readFile(path, 'utf8')).groups.flatMap(({ rules }) => rules);
}

/** The runbook page that belongs to an alert: `StanceSourcePaused` is `source-paused.md`. */
export function pageOf(alert: string): string {
  const words = alert.replace(/^Stance/, '').match(/[A-Z][a-z0-9]*/g) ?? [];
  return `${words.join('-').toLowerCase()}.md`;
}
