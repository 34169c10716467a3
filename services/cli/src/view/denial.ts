import type { Denial, Reason } from '@stance/contracts';
import { effectText, reasonText } from './effects.js';
import type { Paint } from './paint.js';
import { plain, relativeTime, valueText } from './text.js';
import { treeLines, type TreeNode } from './tree.js';

/** What somebody was told who was not let in, or was warned; `now` in milliseconds since 1970. */
export function denialLines(denial: Denial, now: number, paint: Paint): string[] {
  const { denialId, gateway, effect, deviceId, user, resource, reasons, deniedAt, until } = denial;
  const who = [
    `${plain(deviceId ?? 'a device that was not proved')}${user === undefined ? '' : ` of ${plain(user)}`}`,
    `→ ${plain(resource ?? 'no known resource')}`,
    `@ ${plain(gateway)}:`,
    effectText(effect, true, paint),
    ...(until === undefined ? [] : [`until ${until}`]),
  ];
  return treeLines({
    text: who.join(' '),
    children: [
      { text: 'was told', children: reasons.map(reasonNode) },
      { text: `first ${relativeTime(deniedAt, now)}, at ${deniedAt}` },
      { text: `denial ${denialId}` },
    ],
  });
}

function reasonNode(reason: Reason): TreeNode {
  return { text: reasonText(reason), children: [evidenceNode(reason)] };
}

function evidenceNode({ attribute, expected, actual, source, agentId, reportedAt }: Reason): TreeNode | undefined {
  if (attribute === undefined) return undefined;
  const evidence = [
    ...(expected === undefined ? [] : [`expected ${expected}`]),
    `actual ${actual === undefined ? 'unset' : valueText(actual)}`,
    ...(source === undefined ? [] : [`from ${source}/${agentId ?? '?'}`]),
    ...(reportedAt === undefined ? [] : [`reported at ${reportedAt}`]),
  ];
  return { text: plain(evidence.join(', ')) };
}
