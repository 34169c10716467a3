// @ts-check
import { REASON_CODES } from '@stance/contracts';

/** @typedef {{ from: 'policy' | 'gateway', person: string, admin: string }} Advice What each of the two readers can do. */

/** @type {Readonly<Record<import('@stance/contracts').ReasonCode, Advice>>} */
const ADVICE = {
  'no-policy': {
    from: 'policy',
    person: 'Ask IT: nothing is open to anybody until a policy is.',
    admin:
      'Publish one (`stance policy publish <file>`). `stance policy history` says whether one was refused and why; an active revision that no longer loads after an upgrade shows in `/readyz` of the engine.',
  },
  'not-enrolled': {
    from: 'policy',
    person: 'Ask IT to enrol the machine.',
    admin: 'Add the device to the [inventory](configuration/inventory.md).',
  },
  'device-retired': {
    from: 'policy',
    person: 'Ask IT to enrol the machine again if it is still in use.',
    admin: 'The device is no longer in the inventory: put it back if that was a mistake.',
  },
  'device-quarantined': {
    from: 'policy',
    person: 'Ask IT: your machine is mistaken for another.',
    admin:
      '`stance device <id>` shows the problem, `stance unmatched` the agents that contradict each other. Correct the serial number in the inventory, or remove the doubled agent from the console.',
  },
  'no-rule': {
    from: 'policy',
    person: 'Ask IT whether you should have access.',
    admin:
      'No allow rule is for this device: its groups, tags and owner are in `stance device <id>`, whom the nearest rule is for is in the message. A gateway gives this code too when a resource is the owner’s alone and the proved user is somebody else.',
  },
  'deny-rule': {
    from: 'policy',
    person: 'Do what the message says.',
    admin:
      'The rule is named. It matches when its posture holds, and also when that cannot be ruled out: an attribute without a value, as on a device without an agent. Guard the posture with `IS SET` to exempt those.',
  },
  'condition-false': {
    from: 'policy',
    person: 'Do what the message says: it names what was found and what is needed.',
    admin: '`stance explain <device> <resource>` shows every condition with its value, agent and times.',
  },
  'attribute-unset': {
    from: 'policy',
    person: 'Install the agent, or ask IT.',
    admin:
      'No agent is matched to the device (`stance unmatched`), or its console does not report this attribute for this kind of machine.',
  },
  'attribute-stale': {
    from: 'policy',
    person: 'Connect the machine to the internet so that its agent reports.',
    admin:
      'The agent is silent, or the source cannot be read: `stance sources`. Where the age is too strict, raise `maxAge`.',
  },
  'attribute-mistyped': {
    from: 'policy',
    person: 'Ask IT.',
    admin: 'The console gave a value of another type than [the catalogue](attributes.md) says: report it as a defect.',
  },
  'attribute-unlisted': {
    from: 'policy',
    person: 'Ask IT.',
    admin:
      'The console gave a value that [the catalogue](attributes.md) does not list, as after an upgrade of it. Its meaning is unknown, so it opens nothing: report it, so that it is listed.',
  },
  'attribute-conflict': {
    from: 'policy',
    person: 'Ask IT to remove the agent that is no longer in use.',
    admin: 'Several agents belong to the device and disagree: `stance device <id>` names them.',
  },
  'evaluation-error': {
    from: 'policy',
    person: 'Ask IT.',
    admin: 'A defect: the log of the policy engine, or of the gateway, has the error.',
  },
  'identity-missing': {
    from: 'gateway',
    person: 'Use an enrolled machine, with its certificate.',
    admin: 'The proxy sent no device: see [the gateway file](gateway.md). The answer is 401.',
  },
  'identity-forged': {
    from: 'gateway',
    person: 'Remove what adds `X-Stance-*` headers to your requests.',
    admin:
      'A header that only a listed proxy may set came from elsewhere, twice, malformed, or is none that the proxy sets; the message says which. Either somebody tried, or `trustedProxies` lacks a proxy.',
  },
  'decision-missing': {
    from: 'gateway',
    person: 'Try again in a minute, then ask IT.',
    admin:
      'The device is unknown to the engine, the resource is not one of this gateway in the policy, or the proxy names none.',
  },
  'decision-expired': {
    from: 'gateway',
    person: 'Try again in a minute, then ask IT.',
    admin: 'The engine should have decided again by now: look at its `/readyz` and lag.',
  },
  'engine-silent': {
    from: 'gateway',
    person: 'Try again in a minute, then ask IT.',
    admin:
      'No report of the engine for `STANCE_GATEWAY_MAX_SILENCE`, none yet since the start, or decisions that it has made are not here yet. Is the engine active, is NATS reachable from the gateway?',
  },
  'awaiting-decision': {
    from: 'gateway',
    person: 'Try again in a minute.',
    admin: 'A session was revoked and the decision that goes with it is still on its way: normally milliseconds.',
  },
  'session-expired': {
    from: 'gateway',
    person: 'Sign in again.',
    admin: 'The session reached the lifetime of the gateway file (`sessions.lifetime`).',
  },
};

/** The page about every reason code, in the order of the contracts. */
export function reasonsPage() {
  const codes = Object.entries(REASON_CODES);
  const missing = codes.map(([code]) => code).filter((code) => !(code in ADVICE));
  if (missing.length > 0)
    throw new Error(`say in services/all-in-one/reasons-page.mjs what to do about ${missing.join(', ')}`);
  return `# Reasons

Every refusal says why, as a list of reasons. Each has a **code** from this closed list and a **message** for the person who was refused; with them, where it applies, the rule, posture and condition, the attribute, what was expected and what was found, the source and agent that said so, and when (\`reportedAt\` by the console, \`observedAt\` by Stance). \`stance explain <device> <resource>\` shows all of it; a gateway shows it as JSON or as a page ([gateway.md](gateway.md)).

${section('By the policy engine', 'In decisions and revocations.', 'policy')}
${section('By a gateway', 'Given by the gateway itself, without or in spite of a decision.', 'gateway')}`;
}

/** @param {string} title @param {string} introduction @param {Advice['from']} from */
function section(title, introduction, from) {
  const entries = Object.entries(ADVICE)
    .filter(([, advice]) => advice.from === from)
    .map(([code, { person, admin }]) => {
      const meaning = REASON_CODES[/** @type {import('@stance/contracts').ReasonCode} */ (code)];
      return `### \`${code}\`\n\n${meaning}\n\n- You were refused: ${person}\n- You run Stance: ${admin}\n`;
    });
  return `## ${title}\n\n${introduction}\n\n${entries.join('\n')}`;
}
