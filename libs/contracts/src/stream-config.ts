import { BUCKETS, DUPLICATE_WINDOW_SECONDS, STREAMS, type StreamDefinition } from './streams.js';

/**
 * The oldest nats-server that does all that Stance relies on: per-message TTL, schedules, and mirrors by way of a consumer
 * that was made for them (docs/adr/0014).
 */
export const MINIMUM_SERVER_VERSION = '2.14.0';

/** A stream's configuration in JetStream's own field names (nats-server `StreamConfig`); times in nanoseconds. */
export interface WireStreamConfig {
  name: string;
  description: string;
  subjects: string[];
  retention: 'limits';
  storage: 'file';
  discard: 'new' | 'old';
  num_replicas: number;
  max_msgs_per_subject: number;
  max_age: number;
  duplicate_window: number;
  allow_direct: boolean;
  allow_msg_ttl: boolean;
  allow_msg_schedules: boolean;
  allow_rollup_hdrs: boolean;
  deny_delete: boolean;
  deny_purge: boolean;
}

const SECOND = 1_000_000_000;

/** What the server is asked for, and what its echo is checked against. `replicas`: 1 on one machine, 3 in a cluster. */
export function wireStreamConfig(
  stream: StreamDefinition,
  { replicas = 1 }: { replicas?: number } = {},
): WireStreamConfig {
  return {
    name: stream.name,
    description: stream.summary,
    subjects: [...stream.subjects],
    retention: 'limits',
    storage: 'file',
    // `old` would evict the quietest devices first; a full stream refuses instead, and an alert tells before.
    // (The server refuses that for schedules; with no limit on its size, that stream evicts nothing either.)
    discard: stream.schedules ? 'old' : 'new',
    num_replicas: replicas,
    max_msgs_per_subject: stream.keepPerSubject === 'all' ? -1 : stream.keepPerSubject,
    max_age: (stream.maxAgeSeconds ?? 0) * SECOND,
    duplicate_window: DUPLICATE_WINDOW_SECONDS * SECOND,
    allow_direct: true,
    allow_msg_ttl: stream.messageTtl ?? false,
    allow_msg_schedules: stream.schedules ?? false,
    allow_rollup_hdrs: stream.rollup ?? false,
    deny_delete: stream.appendOnly ?? false,
    deny_purge: stream.appendOnly ?? false,
  };
}

/** A key-value bucket is a stream whose name and subjects follow the KV convention, so that KV tools can read it. */
export function wireBucketConfig(
  bucket: { name: string; summary: string },
  { replicas = 1 }: { replicas?: number } = {},
): WireStreamConfig {
  return {
    ...wireStreamConfig(
      {
        name: `KV_${bucket.name}`,
        subjects: [`$KV.${bucket.name}.>`],
        summary: bucket.summary,
        writtenBy: [],
        keepPerSubject: 1,
        messageTtl: true,
        rollup: true,
        audited: false,
      },
      { replicas },
    ),
    // What nats-server requires of a KV bucket: messages are never deleted one by one, only marked.
    deny_delete: true,
  };
}

/** Everything that has to exist before a service may run. */
export function wireTopology({ replicas = 1 }: { replicas?: number } = {}): WireStreamConfig[] {
  return [
    ...Object.values(STREAMS).map((stream) => wireStreamConfig(stream, { replicas })),
    ...Object.values(BUCKETS).map((bucket) => wireBucketConfig(bucket, { replicas })),
  ];
}
