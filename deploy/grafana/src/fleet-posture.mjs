// @ts-check
import { labelOf, lines, NAMESPACE, numbers, query, stacked } from './panel.mjs';

const OF = 'namespace=~"$namespace", gateway=~"$gateway"';

/** @type {import('./panel.mjs').Dashboard} */
export const fleetPosture = {
  uid: 'stance-fleet-posture',
  title: 'Stance / Fleet posture',
  description: 'Who may reach what, and what became of it.',
  variables: [NAMESPACE, labelOf('gateway', 'stance_engine_effects')],
  rows: [
    {
      title: 'Now',
      panels: [
        numbers(
          'Denied',
          'percentunit',
          { redFrom: 0.2 },
          'Share of the pairs of device and resource that are denied.',
          query(`sum(stance_engine_effects{${OF}, effect="deny"}) / sum(stance_engine_effects{${OF}})`, 'denied'),
        ),
        numbers(
          'Open sessions',
          'short',
          {},
          'As the engine watches them.',
          query(`sum by (gateway) (stance_engine_sessions{${OF}})`, '{{gateway}}'),
        ),
        numbers(
          'Held back',
          'short',
          { redFrom: 1 },
          'Devices that stay in although they are denied: runbook revocations-held-back.',
          query(`sum by (gateway) (stance_engine_held_devices{${OF}})`, '{{gateway}}'),
        ),
        numbers(
          'Policy loads',
          'short',
          { redBelow: 1 },
          '0: everybody is denied, runbook policy-does-not-load.',
          query('min(stance_engine_policy_loaded{namespace=~"$namespace"})', 'policy'),
        ),
        numbers(
          'Unsigned policies',
          'short',
          { redFrom: 1 },
          'In force by the log, or refused within a day: runbook policy-forged.',
          query('max(stance_engine_policy_unverified{namespace=~"$namespace"})', 'in force by the log'),
          query('sum(increase(stance_engine_policy_signature_refusals_total{namespace=~"$namespace"}[1d]))', 'refused'),
        ),
        numbers(
          'Break-glass',
          'short',
          { redFrom: 1 },
          'Somebody was let in although the policy denies, within a day.',
          query('sum(increase(stance_gateway_break_glass_uses_total{namespace=~"$namespace"}[1d]))', 'uses'),
        ),
      ],
    },
    {
      title: 'Decisions',
      panels: [
        stacked(
          'Devices by effect',
          'short',
          'What holds, per resource. A step in deny is a policy, a console, or an outbreak.',
          query(
            `sum by (gateway, resource, effect) (stance_engine_effects{${OF}})`,
            '{{gateway}} {{resource}} {{effect}}',
          ),
        ),
        lines(
          'Decisions written',
          'ops',
          'How much changes.',
          query(
            `sum by (gateway, effect) (rate(stance_engine_decisions_total{${OF}}[$__rate_interval]))`,
            '{{gateway}} {{effect}}',
          ),
        ),
      ],
    },
    {
      title: 'Revocations',
      panels: [
        stacked(
          'Revocations by reason',
          'short',
          'In each step of the time axis; the codes are in docs/reasons.md.',
          query(
            `sum by (gateway, code) (increase(stance_engine_revocations_total{${OF}}[$__rate_interval]))`,
            '{{gateway}} {{code}}',
          ),
        ),
        lines(
          'Requests by outcome',
          'ops',
          'At the reference gateway: denied that jumps is felt by people.',
          query(
            'sum by (outcome) (rate(stance_gateway_authorizations_total{namespace=~"$namespace"}[$__rate_interval]))',
            '{{outcome}}',
          ),
        ),
      ],
    },
    {
      title: 'Devices and agents',
      panels: [
        stacked(
          'Agents by match',
          'short',
          'unmatched and quarantined agents count for no device: stance unmatched.',
          query('max by (state) (stance_matcher_agents{namespace=~"$namespace"})', '{{state}}'),
        ),
        stacked(
          'Devices by what is known of them',
          'short',
          'Devices without an agent are denied whatever needs one.',
          query('max by (state) (stance_posture_devices{namespace=~"$namespace"})', '{{state}}'),
        ),
      ],
    },
  ],
};
