// @ts-check
import { lines, numbers, query } from './panel.mjs';

/**
 * A metric of the exporter of NATS, under its default prefix or `-prefix=nats`, as the official Helm chart sets it.
 * @param {'gnatsd' | 'jetstream'} prefix
 * @param {string} rest
 * @param {string} labels
 */
const of = (prefix, rest, labels = '') => `{__name__=~"(${prefix}|nats)_${rest}"${labels}}`;

const LEADING = ', is_stream_leader="true"';
const CONSUMER_LEADING = ', is_consumer_leader="true"';

/** @type {import('./panel.mjs').Dashboard} */
export const nats = {
  uid: 'stance-nats',
  title: 'Stance / NATS',
  description: 'The servers under Stance, as prometheus-nats-exporter tells them (-varz -routez -jsz=all).',
  variables: [],
  rows: [
    {
      title: 'Now',
      panels: [
        numbers(
          'Storage used',
          'percentunit',
          { redFrom: 0.7 },
          'Full servers refuse writes: runbook storage-filling.',
          query(
            `${of('jetstream', 'server_total_message_bytes')} / (${of('jetstream', 'server_max_storage')} > 0)`,
            '{{server_name}}',
          ),
        ),
        numbers(
          'Connections',
          'short',
          {},
          'Of clients.',
          query(`sum(${of('gnatsd', 'varz_connections')})`, 'clients'),
        ),
        numbers(
          'Routes',
          'short',
          {},
          'Between servers of a cluster.',
          query(`min(${of('gnatsd', 'routez_num_routes')})`, 'least'),
        ),
        numbers(
          'Slow consumers',
          'short',
          { redFrom: 1 },
          'Clients that were cut off since the start of a server.',
          query(`sum(${of('gnatsd', 'varz_slow_consumers')})`, 'clients'),
        ),
      ],
    },
    {
      title: 'Streams',
      panels: [
        lines(
          'Size',
          'bytes',
          'At each stream’s leader.',
          query(
            `max by (account, stream_name) (${of('jetstream', 'stream_total_bytes', LEADING)})`,
            '{{account}} {{stream_name}}',
          ),
        ),
        lines(
          'Messages',
          'short',
          'At each stream’s leader.',
          query(
            `max by (account, stream_name) (${of('jetstream', 'stream_total_messages', LEADING)})`,
            '{{account}} {{stream_name}}',
          ),
        ),
        lines(
          'As Stance sees them',
          'bytes',
          'Size, and the limit where there is one.',
          query('max by (stream) (stance_stream_bytes)', '{{stream}}'),
          query('max by (stream) (stance_stream_limit) > 0', '{{stream}} limit'),
        ),
      ],
    },
    {
      title: 'Consumers',
      panels: [
        lines(
          'Pending',
          'short',
          'Only a consumer’s leader knows.',
          query(
            `max by (account, consumer_name) (${of('jetstream', 'consumer_num_pending', CONSUMER_LEADING)})`,
            '{{account}} {{consumer_name}}',
          ),
        ),
        lines(
          'Awaiting acknowledgement',
          'short',
          'In the hands of a service.',
          query(
            `max by (account, consumer_name) (${of('jetstream', 'consumer_num_ack_pending', CONSUMER_LEADING)})`,
            '{{account}} {{consumer_name}}',
          ),
        ),
        lines(
          'Redelivered',
          'short',
          'Given out again: retries, or a service that ended.',
          query(
            `max by (account, consumer_name) (${of('jetstream', 'consumer_num_redelivered', CONSUMER_LEADING)})`,
            '{{account}} {{consumer_name}}',
          ),
        ),
      ],
    },
    {
      title: 'Servers',
      panels: [
        lines(
          'Messages',
          'ops',
          'In and out.',
          query(`rate(${of('gnatsd', 'varz_in_msgs')}[$__rate_interval])`, '{{server_id}} in'),
          query(`rate(${of('gnatsd', 'varz_out_msgs')}[$__rate_interval])`, '{{server_id}} out'),
        ),
        lines(
          'Bytes',
          'Bps',
          'In and out.',
          query(`rate(${of('gnatsd', 'varz_in_bytes')}[$__rate_interval])`, '{{server_id}} in'),
          query(`rate(${of('gnatsd', 'varz_out_bytes')}[$__rate_interval])`, '{{server_id}} out'),
        ),
        lines('Processor', 'percent', 'Of one core.', query(of('gnatsd', 'varz_cpu'), '{{server_id}}')),
        lines('Memory', 'bytes', 'Resident.', query(of('gnatsd', 'varz_mem'), '{{server_id}}')),
      ],
    },
  ],
};
