import { describe, expect, it } from '@jest/globals';
import { DiscardPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { MINIMUM_SERVER_VERSION, STREAMS, wireStreamConfig } from '@stance/contracts';
import { differences, isOldServer } from './topology.js';

const wanted = wireStreamConfig(STREAMS.AGENTS);

describe('the server', () => {
  it.each([
    ['2.9.10', true],
    ['2.10.27', true],
    ['2.13.99', true],
    ['2.14.0', false],
    ['2.14.0-RC.1', false],
    ['2.15.1', false],
    ['3.0.0', false],
    ['', true],
    ['unknown', true],
  ])(`of version %j is too old: %s (at least ${MINIMUM_SERVER_VERSION})`, (version, old) => {
    expect(isOldServer(version)).toBe(old);
  });
});

describe('a stream as the server echoes it', () => {
  it('is right when it says what was asked for', () => {
    expect(differences(wanted, wanted as Partial<StreamConfig>)).toEqual([]);
  });

  it('is right when it leaves out what is off', () => {
    const { deny_delete: _, deny_purge: __, ...echoed } = wanted;
    expect(differences(wanted, echoed as Partial<StreamConfig>)).toEqual([]);
  });

  it.each<[string, Partial<StreamConfig>]>([
    ['subjects', { subjects: ['stance.agent.observed.v1.>', 'more'] }],
    ['max_msgs_per_subject', { max_msgs_per_subject: 1 }],
    ['max_age', { max_age: 1_000_000_000 }],
    ['allow_msg_ttl', { allow_msg_ttl: false }],
    ['allow_rollup_hdrs', { allow_rollup_hdrs: false }],
    ['deny_purge', { deny_purge: true }],
    ['storage', { storage: StorageType.Memory }],
    ['discard', { discard: DiscardPolicy.Old }],
    ['discard_new_per_subject', { discard_new_per_subject: true }],
    ['duplicate_window', { duplicate_window: 1_000_000_000 }],
    ['max_bytes', { max_bytes: 1_000_000 }],
    ['max_msgs', { max_msgs: 1_000 }],
    ['max_msg_size', { max_msg_size: 1_000 }],
    ['sealed', { sealed: true }],
    ['no_ack', { no_ack: true }],
  ])('is wrong when %s differs', (field, change) => {
    const found = differences(wanted, { ...(wanted as Partial<StreamConfig>), ...change });
    expect(found).toEqual([expect.stringContaining(`${field} is `)]);
  });

  it('is wrong when an old server dropped a setting that it does not know', () => {
    const { allow_msg_ttl: _, ...echoed } = wanted;
    expect(differences(wanted, echoed as Partial<StreamConfig>)).toEqual(['allow_msg_ttl is undefined, not true']);
  });
});
