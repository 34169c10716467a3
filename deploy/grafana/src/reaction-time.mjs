// @ts-check
import { heatmap, labelOf, lines, NAMESPACE, numbers, query } from './panel.mjs';

const OF = 'namespace=~"$namespace", gateway=~"$gateway"';
const IN_TIME = 'le=~"1|1.0"';

/** @param {string} share */
const quantile = (share) =>
  `histogram_quantile(${share}, sum by (le, gateway) (rate(stance_gateway_reaction_bucket{${OF}}[$__rate_interval])))`;

/** @type {import('./panel.mjs').Dashboard} */
export const reactionTime = {
  uid: 'stance-reaction-time',
  title: 'Stance / Reaction time',
  description:
    'From the observation of a posture to the enforcement of the revocation that it caused. Objective: 99 % within 1 s.',
  variables: [NAMESPACE, labelOf('gateway', 'stance_gateway_reaction_count')],
  rows: [
    {
      title: 'Objective',
      panels: [
        numbers(
          'Within 1 s',
          'percentunit',
          { redBelow: 0.99 },
          'Of all revocations in the chosen time.',
          query(
            `sum by (gateway) (increase(stance_gateway_reaction_bucket{${OF}, ${IN_TIME}}[$__range])) / sum by (gateway) (increase(stance_gateway_reaction_count{${OF}}[$__range]))`,
            '{{gateway}}',
          ),
        ),
        numbers(
          'Revocations',
          'short',
          {},
          'Enforced in the chosen time.',
          query(`sum by (gateway) (increase(stance_gateway_reaction_count{${OF}}[$__range]))`, '{{gateway}}'),
        ),
        lines(
          'Budget burn',
          'short',
          '1 uses the budget of 30 days up in 30 days; alerts at 14.4 (1 h) and 6 (6 h).',
          query('gateway:stance_gateway_reaction_late:ratio1h{namespace=~"$namespace"} / 0.01', '{{gateway}} 1 h'),
          query('gateway:stance_gateway_reaction_late:ratio6h{namespace=~"$namespace"} / 0.01', '{{gateway}} 6 h'),
        ),
      ],
    },
    {
      title: 'Distribution',
      panels: [
        lines(
          'Quantiles',
          's',
          'Only while there are revocations.',
          query(quantile('0.5'), '{{gateway}} p50'),
          query(quantile('0.99'), '{{gateway}} p99'),
        ),
        heatmap(
          'All revocations',
          's',
          'A second band is a step that now and then takes longer.',
          query(`sum by (le) (increase(stance_gateway_reaction_bucket{${OF}}[$__rate_interval]))`, '{{le}}'),
        ),
      ],
    },
    {
      title: 'What it is made of',
      panels: [
        lines(
          'By enforcement',
          's',
          'cut: a connection was cut; next-request: there was none, and the next request is refused.',
          query(
            `sum by (enforcement) (rate(stance_gateway_reaction_sum{${OF}}[$__rate_interval])) / sum by (enforcement) (rate(stance_gateway_reaction_count{${OF}}[$__rate_interval]))`,
            '{{enforcement}} mean',
          ),
        ),
        lines(
          'Messages that wait',
          'short',
          'The step that is behind makes all after it late.',
          query('max by (service, event) (stance_consumer_lag{namespace=~"$namespace"})', '{{service}} {{event}}'),
        ),
      ],
    },
  ],
};
