import { describe, expect, it } from '@jest/globals';
import { readActivity } from './activity-record.js';
import { AGENT_REMOVAL_ACTIVITIES } from './activity-query.js';
import { readAgent } from './agent-record.js';
import { readAnswer, readPage } from './answer.js';
import { fixture } from './fixtures/scripted-console.js';
import { CursorTrail, type Page } from './paging.js';
import { readSite } from './site.js';
import { readThreat } from './threat-record.js';

function pageOf(file: string, within?: string): Page {
  const body = readAnswer(JSON.stringify(fixture(file)), '/sample', 'token-of-the-test');
  return readPage(
    { body, consoleTime: undefined, receivedAt: 0, askedAt: 0, answeredAt: 0 },
    { endpoint: '/sample', within },
  );
}

const nextCursor = (page: Page): string | undefined => new CursorTrail('/sample', 1000, 'records').follow(page);

describe('real answers of a console', () => {
  it.each([
    ['search_agents_single.json', ['0000000000000000001']],
    ['search_agents_single_2.json', ['0000000000000000002']],
    ['search_agents_multiple.json', ['0000000000000000002', '0000000000000000002']],
    ['search_agents_empty.json', []],
  ])('%s: every agent reads, none with a field that does not', (file, ids) => {
    const page = pageOf(file);
    const readings = page.records.map(readAgent);
    expect(readings).toMatchObject(ids.map((agentId) => ({ ok: true, agent: { agentId, unreadable: [] } })));
    expect(page.totalItems).toBe(ids.length);
    expect(nextCursor(page)).toBeUndefined();
  });

  it.each([
    [
      'threats.json',
      [{ threatId: '11111111111111', agentId: '11111111111111111', updatedAt: '2023-09-20T09:03:07.151615Z' }],
    ],
    [
      'get_threat_summary_page_1.json',
      [{ threatId: '123456789123456789', agentId: '123456789123456789', updatedAt: '2021-06-29T15:21:15.555617Z' }],
    ],
    [
      'get_threat_summary_page_2.json',
      [{ threatId: '123456789123456789', agentId: '123456789123456789', updatedAt: '2021-06-29T15:21:15.486908Z' }],
    ],
    ['threats_not_found.json', []],
  ])('%s: every threat names its agent', (file, threats) => {
    expect(pageOf(file).records.map(readThreat)).toEqual(threats.map((threat) => ({ ok: true, threat })));
  });

  it('threats.json: its cursor goes on as it came, percent-encoded', () => {
    expect(nextCursor(pageOf('threats.json'))).toMatch(/^ddddddddddOiAi.*MifQ%3D%3D$/);
  });

  it('activities: those of people name no agent, those of agents do', () => {
    const records = ['activities_first_page.json', 'activities_second_page.json'].flatMap(
      (file) => pageOf(file).records,
    );
    const activityId = '1234567898765432112';
    expect(records.map(readActivity)).toEqual(
      [
        { activityId, activityType: 27, createdAt: '2022-10-13T18:17:42.605229Z' },
        { activityId, activityType: 3021, createdAt: '2022-10-13T18:23:42.103882Z' },
        { activityId, activityType: 19, agentId: activityId, createdAt: '2020-12-17T22:39:24.305435Z' },
        { activityId, activityType: 2001, agentId: activityId, createdAt: '2020-12-17T22:39:24.423814Z' },
      ].map((activity) => ({ ok: true, activity })),
    );
    expect(nextCursor(pageOf('activities_first_page.json'))).toBe('nextCursor');
    expect(nextCursor(pageOf('activities_second_page.json'))).toBeUndefined();
  });

  it('activities_types.json: types of accounts are no removals of agents', () => {
    const types = pageOf('activities_types.json').records.map((type) => Object(type)['id'] as unknown);
    expect(types).toEqual([5040, 5042, 5043, 5045]);
    expect(AGENT_REMOVAL_ACTIVITIES.filter((type) => types.includes(type))).toEqual([]);
  });

  it('sites.json: sites with nothing but an id', () => {
    expect(pageOf('sites.json', 'sites').records.map(readSite)).toEqual([
      { id: '1111-1111-11111111-1111' },
      { id: '1111-1111-11111111-1112' },
      { id: '1111-1111-11111111-1113' },
      { id: '1111-1111-11111111-1114' },
    ]);
  });
});
