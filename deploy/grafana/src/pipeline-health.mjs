// @ts-check
import { lines, NAMESPACE, numbers, query, stacked } from './panel.mjs';

const OF = 'namespace=~"$namespace"';

/** @type {import('./panel.mjs').Dashboard} */
export const pipelineHealth = {
  uid: 'stance-pipeline-health',
  title: 'Stance / Pipeline health',
  description: 'Whether each step of the line does its work, and audit beside it.',
  variables: [NAMESPACE],
  rows: [
    {
      title: 'Now',
      panels: [
        numbers(
          'Processes that answer',
          'percentunit',
          { redBelow: 1 },
          'Runbook target-down.',
          query(`avg(up{job=~"stance.*", ${OF}})`, 'up'),
        ),
        numbers(
          'Leases without a holder',
          'short',
          { redFrom: 1 },
          'Runbook lease-not-held.',
          query(`count(max by (namespace, service, lease) (stance_lease_held{${OF}}) == 0) or vector(0)`, 'leases'),
        ),
        numbers(
          'Dead letters, 24 h',
          'short',
          { redFrom: 1 },
          'Runbook dead-letters.',
          query(`sum(increase(stance_dead_letters_total{${OF}}[1d])) or vector(0)`, 'messages'),
        ),
        numbers(
          'Trail intact',
          'short',
          { redBelow: 1 },
          'Runbook audit-verification-failed.',
          query(`min(stance_audit_intact{${OF}})`, 'intact'),
        ),
        numbers(
          'Gateways that trust',
          'percentunit',
          { redBelow: 1 },
          'The others deny everybody: runbook gateway-untrusted.',
          query(`avg(stance_gateway_trusted{${OF}})`, 'trusting'),
        ),
      ],
    },
    {
      title: 'Messages',
      panels: [
        lines(
          'Messages that wait',
          'short',
          'Of each consumer, in its stream or in its hands.',
          query(`max by (service, event) (stance_consumer_lag{${OF}})`, '{{service}} {{event}}'),
        ),
        lines(
          'Messages settled',
          'ops',
          'retry that grows: a service tries in vain.',
          query(
            `sum by (service, event, settlement) (rate(stance_messages_settled_total{${OF}}[$__rate_interval]))`,
            '{{service}} {{event}} {{settlement}}',
          ),
        ),
        stacked(
          'Dead letters',
          'short',
          'By why they could not be used.',
          query(
            `sum by (service, event, code) (increase(stance_dead_letters_total{${OF}}[$__rate_interval]))`,
            '{{service}} {{event}} {{code}}',
          ),
        ),
      ],
    },
    {
      title: 'Who is active',
      panels: [
        lines(
          'Leases',
          'short',
          '1 for the replica that holds it; a line that steps is a takeover.',
          query(`stance_lease_held{${OF}}`, '{{lease}} at {{instance}}'),
        ),
        lines(
          'Time left of leases',
          's',
          'Between 2 and 3 s is well: runbook lease-close-to-expiry.',
          query(`min by (lease) (stance_lease_remaining{${OF}})`, '{{lease}}'),
        ),
      ],
    },
    {
      title: 'Engine and gateways',
      panels: [
        lines(
          'Evaluations',
          'ops',
          'Of devices, by what came of them.',
          query(`sum by (outcome) (rate(stance_engine_evaluations_total{${OF}}[$__rate_interval]))`, '{{outcome}}'),
        ),
        lines(
          'Standstill',
          'short',
          '1 while nothing of the engine’s work is finished.',
          query(`max(stance_engine_standstill{${OF}})`, 'standstill'),
        ),
        lines(
          'Silence of the engine',
          's',
          'As gateways hear it: below 5 s is well, at their limit they deny.',
          query(`max by (gateway) (stance_gateway_engine_silence{${OF}})`, '{{gateway}}'),
        ),
        lines(
          'Sessions at gateways',
          'short',
          'Open, as each replica has them.',
          query(`sum by (gateway) (stance_gateway_sessions{${OF}})`, '{{gateway}}'),
        ),
      ],
    },
    {
      title: 'Relays',
      panels: [
        lines(
          'Requests to relays',
          'ops',
          'By what became of them.',
          query(`sum by (outcome) (rate(stance_gateway_relay_requests_total{${OF}}[$__rate_interval]))`, '{{outcome}}'),
        ),
        lines(
          'Connections to TCP relays',
          'ops',
          'By resource and what became of them.',
          query(
            `sum by (resource, outcome) (rate(stance_gateway_tcp_connections_total{${OF}}[$__rate_interval]))`,
            '{{resource}} {{outcome}}',
          ),
        ),
        lines(
          'Carried now',
          'short',
          'Exchanges and WebSockets.',
          query(`sum by (kind) (stance_gateway_relay_live{${OF}})`, '{{kind}}'),
        ),
        stacked(
          'Cut',
          'short',
          'Exchanges and WebSockets, by why.',
          query(
            `sum by (kind, cause) (increase(stance_gateway_relay_cuts_total{${OF}}[$__rate_interval]))`,
            '{{kind}} {{cause}}',
          ),
        ),
      ],
    },
    {
      title: 'Audit',
      panels: [
        lines(
          'Records',
          'ops',
          'By the stream that they are of.',
          query(
            `sum by (stream, kind) (rate(stance_audit_records_total{${OF}}[$__rate_interval]))`,
            '{{stream}} {{kind}}',
          ),
        ),
        lines(
          'Waiting',
          'short',
          'Returns to 0: runbook audit-waiting.',
          query(`max(stance_audit_waiting{${OF}})`, 'records'),
        ),
        lines(
          'Since the last verification',
          's',
          'Runbook audit-verification-overdue.',
          query(`min(stance_audit_verification_age{${OF}})`, 'age'),
        ),
        stacked(
          'Facts that were missed',
          'short',
          'Gone before audit saw them, or with a stream that was deleted: runbook audit-gaps.',
          query(`sum by (stream) (increase(stance_audit_missing_total{${OF}}[$__rate_interval]))`, '{{stream}}'),
          query(
            `sum by (stream) (increase(stance_audit_streams_made_anew_total{${OF}}[$__rate_interval]))`,
            '{{stream}} made anew',
          ),
        ),
      ],
    },
  ],
};
