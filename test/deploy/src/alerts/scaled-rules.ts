import { stringify } from 'yaml';
import { parseRules, type RuleFile } from './rules.js';

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 } as const;

/**
 * The rules with less patience, so that a real fault fires a real alert while somebody watches: every `for`, every range
 * (`[5m]`) and every `offset` is divided by `factor`, and made no shorter than `least` milliseconds. What is compared with
 * a threshold, and the threshold, stay as they are.
 */
export function scaledRules(text: string, factor: number, least: number): string {
  const shorter = (duration: string): string => {
    const ms = Math.max(Math.round(millisecondsOf(duration) / factor), least);
    return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
  };
  const scaled: RuleFile = {
    groups: parseRules(text).groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) => ({
        ...rule,
        expr: rule.expr
          .replaceAll(/\[([0-9a-z]+)\]/g, (_, range: string) => `[${shorter(range)}]`)
          .replaceAll(/\boffset ([0-9a-z]+)/g, (_, offset: string) => `offset ${shorter(offset)}`),
        ...(rule.for !== undefined && { for: shorter(rule.for) }),
      })),
    })),
  };
  return stringify(scaled);
}

function millisecondsOf(duration: string): number {
  return [...duration.matchAll(/(\d+)(ms|[smhdwy])/g)].reduce((sum, [, amount, unit]) => {
    return sum + Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  }, 0);
}
