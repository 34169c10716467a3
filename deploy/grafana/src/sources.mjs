// @ts-check
import { labelOf, lines, NAMESPACE, numbers, query } from './panel.mjs';

const OF = 'namespace=~"$namespace", source=~"$source"';

/** @type {import('./panel.mjs').Dashboard} */
export const sources = {
  uid: 'stance-sources',
  title: 'Stance / Sources',
  description: 'Whether each console is read, how well, and what it says.',
  variables: [NAMESPACE, labelOf('source', 'stance_source_state')],
  rows: [
    {
      title: 'Now',
      panels: [
        numbers(
          'Sources that are well',
          'percentunit',
          { redBelow: 1 },
          'Runbooks source-paused, source-degraded.',
          query(`avg(max by (namespace, source) (stance_source_state{${OF}, state="ok"}))`, 'ok'),
        ),
        numbers(
          'Oldest reading',
          's',
          { redFrom: 120 },
          'Runbook poll-stopped.',
          query(`max(min by (namespace, source) (stance_source_poll_age{${OF}}))`, 'age'),
        ),
        numbers(
          'Agents',
          'short',
          {},
          'That the consoles show.',
          query(`max by (source) (stance_source_agents{${OF}})`, '{{source}}'),
        ),
      ],
    },
    {
      title: 'Reading',
      panels: [
        lines(
          'State',
          'short',
          '1 for the state that a source is in.',
          query(`max by (source, state) (stance_source_state{${OF}}) == 1`, '{{source}} {{state}}'),
        ),
        lines(
          'Since the last reading',
          's',
          'Stays near the poll interval.',
          query(`min by (source) (stance_source_poll_age{${OF}})`, '{{source}}'),
        ),
        lines(
          'Since the last sweep',
          's',
          'A saw up to the sweep interval: runbook sweep-stopped.',
          query(`min by (source) (stance_source_sweep_age{${OF}})`, '{{source}}'),
          query(`max by (source) (stance_source_sweep_interval{${OF}})`, '{{source}} interval'),
        ),
      ],
    },
    {
      title: 'Console',
      panels: [
        lines(
          'Requests by outcome',
          'ops',
          'Anything but ok is the console’s answer: rate limits, errors, a refused token.',
          query(
            `sum by (source, outcome) (rate(stance_source_requests_total{${OF}}[$__rate_interval]))`,
            '{{source}} {{outcome}}',
          ),
        ),
        lines(
          'Agents',
          'short',
          'A step down is a sweep that retired some, or a narrower scope.',
          query(`max by (source) (stance_source_agents{${OF}})`, '{{source}}'),
        ),
      ],
    },
  ],
};
