import type { Explanation } from '@stance/contracts';
import { reasonText } from './effects.js';
import type { Paint, Style } from './paint.js';
import { durationText, plain, valueText } from './text.js';
import type { TreeNode } from './tree.js';

type Rule = Explanation['rules'][number];
type Condition = Rule['conditions'][number];
type Grace = NonNullable<Rule['graces']>[number];

const MARKS = {
  true: { mark: '✓', style: 'green' },
  false: { mark: '✗', style: 'red' },
  unknown: { mark: '?', style: 'yellow' },
} as const satisfies Record<Rule['verdict'], { mark: string; style: Style }>;

/** A rule with its conditions, and with what of it is waived or borne with; `now` in milliseconds since the epoch. */
export function ruleNode(rule: Rule, now: number, paint: Paint): TreeNode {
  const { verdict, applies, notApplicable = '', waived = [], graces = [], conditions } = rule;
  const { mark, style } = MARKS[verdict];
  const name = `${plain(rule.name)} (${rule.mode === 'report' ? `${rule.effect}, only reported` : rule.effect})`;
  if (!applies) return { text: paint('dim', `- ${name} does not apply. ${plain(notApplicable)}`.trim()) };
  return {
    text: `${paint(style, mark)} ${name}: ${verdict}`,
    children: [
      ...waived.map((exception) => ({ text: paint('yellow', waivedText(exception)) })),
      ...graces.map((grace) => ({ text: paint('yellow', graceText(grace, now)) })),
      ...conditions.map((condition) => conditionNode(condition, paint)),
    ],
  };
}

function waivedText({ waive, until, reason, approvedBy }: NonNullable<Rule['waived']>[number]): string {
  return plain(`waived: ${waive.join(', ')}, until ${until} (${reason}, approved by ${approvedBy})`);
}

function graceText({ posture, since, until }: Grace, now: number): string {
  const rest = Date.parse(until) - now;
  const text = `posture ${plain(posture)} fails since ${since}, borne with until ${until}`;
  return rest > 0 ? `in grace: ${text}` : `grace is over: ${text}`;
}

function conditionNode(condition: Condition, paint: Paint): TreeNode {
  const { mark, style } = MARKS[condition.verdict];
  const { text, posture, expected, actual, source, agentId, age, reason } = condition;
  const evidence = [
    `expected ${plain(expected)}`,
    `actual ${actual === undefined ? 'unset' : valueText(actual)}`,
    ...(source === undefined ? [] : [`from ${plain(source)}/${plain(agentId ?? '?')}`]),
    ...(age === undefined ? [] : [`confirmed ${durationText(age * 1_000)} ago`]),
  ].join(', ');
  return {
    text: `${paint(style, mark)} ${plain(text)} ${paint('dim', `(posture ${plain(posture)})`)}`,
    children: [{ text: paint('dim', evidence) }, reason && { text: reasonText(reason) }],
  };
}
