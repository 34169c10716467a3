import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { AUDIT_GENESIS_HASH } from '@stance/contracts';
import { CHAIN_START, hashOf, linkTo, type AuditRecord, type RecordContent } from './chain.js';

const content: RecordContent = {
  kind: 'event',
  stream: 'STANCE_POSTURE',
  device: 'd1',
  sequence: 7,
  subject: 'stance.posture.changed.v1.d1',
  storedAt: '2026-11-21T08:00:00.123456789Z',
  payload: '{"größe":1}',
  encoding: 'utf8',
};

describe('a chained record', () => {
  it('is hashed in the documented form: netstrings, and `-,` for what is absent', () => {
    const form =
      `15:stance.audit.v1,1:1,64:${AUDIT_GENESIS_HASH},5:event,14:STANCE_POSTURE,1:7,-,2:d1,` +
      '28:stance.posture.changed.v1.d1,30:2026-11-21T08:00:00.123456789Z,4:utf8,13:{"größe":1},';
    expect(linkTo(CHAIN_START, content).hash).toBe(createHash('sha256').update(form).digest('hex'));
  });

  it('stands one position behind the chain that it follows, and names its hash', () => {
    const first = linkTo(CHAIN_START, content);
    const second = linkTo(first, { ...content, sequence: 8 });
    expect([first.position, first.previousHash]).toEqual([1, AUDIT_GENESIS_HASH]);
    expect([second.position, second.previousHash]).toEqual([2, first.hash]);
  });

  it.each<[string, Partial<AuditRecord>]>([
    ['position', { position: 2 }],
    ['previous hash', { previousHash: 'f'.repeat(64) }],
    ['kind', { kind: 'gap' }],
    ['stream', { stream: 'STANCE_DEVICES' }],
    ['sequence', { sequence: 8 }],
    ['last missing sequence', { lastMissing: 9 }],
    ['device', { device: 'd2' }],
    ['subject', { subject: 'stance.posture.changed.v1.d2' }],
    ['time', { storedAt: '2026-11-21T08:00:00.123456788Z' }],
    ['encoding', { encoding: 'base64' }],
    ['payload', { payload: '{"größe":2}' }],
    ['border between two fields', { device: 'd1,', subject: content.subject?.slice(1) ?? '' }],
  ])('has another hash when its %s is another', (_, altered) => {
    const record = linkTo(CHAIN_START, content);
    expect(hashOf({ ...record, ...altered })).not.toBe(record.hash);
  });

  it('is hashed alike after a trip through JSON', () => {
    const record = linkTo(CHAIN_START, { ...content, payload: '\uFEFF\u0000\u2028"\\' });
    expect(hashOf(JSON.parse(JSON.stringify(record)) as AuditRecord)).toBe(record.hash);
  });
});
