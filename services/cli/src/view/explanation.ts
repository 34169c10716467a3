import type { Explanation } from '@stance/contracts';
import { effectText, reasonText } from './effects.js';
import type { Paint, Style } from './paint.js';
import { durationText, plain, relativeTime, valueText } from './text.js';
import { treeLines, type TreeNode } from './tree.js';

type Rule = Explanation['rules'][number];
type Condition = Rule['conditions'][number];

const MARKS = {
  true: { mark: '✓', style: 'green' },
  false: { mark: '✗', style: 'red' },
  unknown: { mark: '?', style: 'yellow' },
} as const satisfies Record<Rule['verdict'], { mark: string; style: Style }>;

/** An explanation as a tree: the outcome, its reasons, every rule with its conditions, and what gateways hold. */
export function explanationLines(explanation: Explanation, now: number, paint: Paint): string[] {
  const { deviceId, resource, effect, enforced, reasons, rules, problems, decisions } = explanation;
  const sections: (TreeNode | undefined)[] = [
    section(
      'because',
      reasons.map((reason) => ({ text: reasonText(reason) })),
    ),
    section(
      'problems of the device',
      problems.map((problem) => ({ text: plain(problem) })),
    ),
    section(
      'rules',
      rules.map((rule) => ruleNode(rule, paint)),
    ),
    section(
      'gateways hold',
      decisions.map(({ gateway, decidedAt, decision }) => ({
        text: `${plain(gateway)}: ${effectText(decision.effect, decision.enforced, paint)}, decided ${relativeTime(decidedAt, now)}`,
      })),
    ),
    { text: revisionsText(explanation, now) },
  ];
  const title = `${plain(deviceId)} → ${plain(resource)}: ${effectText(effect, enforced, paint)}`;
  return treeLines({ text: title, children: sections });
}

function section(title: string, children: readonly TreeNode[]): TreeNode | undefined {
  return children.length === 0 ? undefined : { text: title, children };
}

function ruleNode(rule: Rule, paint: Paint): TreeNode {
  const { mark, style } = MARKS[rule.verdict];
  const name = `${plain(rule.name)} (${rule.effect})`;
  if (!rule.applies)
    return { text: paint('dim', `- ${name} does not apply. ${plain(rule.notApplicable ?? '')}`.trim()) };
  return {
    text: `${paint(style, mark)} ${name}: ${rule.verdict}`,
    children: rule.conditions.map((condition) => conditionNode(condition, paint)),
  };
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

function revisionsText(explanation: Explanation, now: number): string {
  const { postureRevision, policyRevision, evaluatedAt, reviewAt } = explanation;
  return [
    postureRevision === 0 ? 'no posture' : `posture revision ${postureRevision}`,
    policyRevision === 0 ? 'no policy is active' : `policy revision ${policyRevision}`,
    `evaluated ${relativeTime(evaluatedAt, now)}`,
    reviewAt === null ? 'time alone changes nothing' : `to be reviewed ${relativeTime(reviewAt, now)}`,
  ].join(', ');
}
