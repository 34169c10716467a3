import { describe, expect, it } from '@jest/globals';
import { readThreat } from './threat-record.js';

const AGENT = '1086513476221472121';

describe('a threat names the agent to read anew', () => {
  it.each<[string, object, object]>([
    [
      'in the form of v2.1',
      {
        id: '7',
        threatInfo: { threatId: '7', updatedAt: '2025-03-04T03:33:21.123456Z' },
        agentRealtimeInfo: { agentId: AGENT, agentInfected: true },
        agentDetectionInfo: { agentUuid: 'x' },
      },
      { threatId: '7', agentId: AGENT, updatedAt: '2025-03-04T03:33:21.123456Z' },
    ],
    [
      'in the flat form',
      { id: '7', agentId: AGENT, updatedAt: '2025-03-04T03:33:21Z' },
      { threatId: '7', agentId: AGENT, updatedAt: '2025-03-04T03:33:21.000000Z' },
    ],
    [
      'by the agent as it was detected, when the present one is not told',
      { id: '7', agentRealtimeInfo: { agentId: null }, agentDetectionInfo: { agentId: AGENT } },
      { threatId: '7', agentId: AGENT },
    ],
    [
      'by the id within its details, when the record has none',
      { id: null, threatInfo: { threatId: '7' }, agentRealtimeInfo: { agentId: AGENT } },
      { threatId: '7', agentId: AGENT },
    ],
    [
      'although its time cannot be read',
      { id: '7', agentId: AGENT, updatedAt: 'yesterday' },
      { threatId: '7', agentId: AGENT },
    ],
  ])('%s', (_, record, threat) => {
    expect(readThreat(record)).toEqual({ ok: true, threat });
  });

  it.each<[unknown, string, RegExp]>([
    [null, 'not-an-object', /not an object/],
    [[], 'not-an-object', /not an object/],
    [{ agentId: AGENT }, 'no-id', /threat has no id/],
    [{ id: '7' }, 'no-id', /agent of the threat has no id/],
    [{ id: '7', agentRealtimeInfo: { agentId: '' } }, 'no-id', /agent of the threat/],
    // As a JSON number it has already become another id.
    [JSON.parse('{"id": "7", "agentId": 1086513476221472121}'), 'unusable-id', /agent of the threat/],
    [{ id: '7', agentId: { id: AGENT } }, 'unusable-id', /agent of the threat/],
  ])('or is a problem, never an exception: %j', (record, code, message) => {
    expect(readThreat(record)).toEqual({ ok: false, problem: { code, message: expect.stringMatching(message) } });
  });
});
