import { describe, expect, it } from '@jest/globals';
import { AgentObserved } from '@stance/contracts';
import * as fc from 'fast-check';
import { readActivity } from './activity-record.js';
import { ATTRIBUTE_SOURCES } from './agent-attributes.js';
import { readAgent, SENTINELONE_ATTRIBUTES, type Agent } from './agent-record.js';
import { readAnswer, readPage } from './answer.js';
import { fixture } from './fixtures/scripted-console.js';
import { isJsonObject } from './json.js';
import type { Page } from './paging.js';
import { MalformedAnswer } from './sentinelone.errors.js';
import { readSite } from './site.js';
import { readThreat } from './threat-record.js';

const TIMES = ['updatedAt', 'lastActiveDate', 'registeredAt', 'createdAt'];
const FIELDS = [
  ...ATTRIBUTE_SOURCES.map(({ field }) => field),
  ...['id', 'serialNumber', 'computerName', 'uuid', 'externalId', 'networkInterfaces', 'lastLoggedInUserName'],
  ...TIMES,
];

/** Values as consoles send them, almost so, and anything else that JSON can hold. */
const likelyValue = fc.constantFrom<unknown>(
  ...[null, '', ' ', 'None', 'none', 'True', 'false', 'N/A', 0, 1, -1, 1.5, 2 ** 53, -0, true, {}, [], [[]], [null]],
  ...['2025-03-04T03:33:21.123456Z', '2025-02-30T00:00:00Z', '0000-00-00T00:00:00Z', '9999-12-31T23:59:59.999999Z'],
  ...['2025-03-04T03:33:21+23:59', '2016-12-31T23:59:60Z', '1741059201', 'To be filled by O.E.M.', '🦊', '\u0000'],
  ...[[{ physical: '00-00-5E-00-53-00' }], [{ physical: 7 }], { sentinelone: [{ key: 'tier' }] }, [{ name: 'Home' }]],
);
const TEXTS = ['string', 'string'];
const anyValue = fc.oneof(likelyValue, fc.jsonValue());
const anyRecord = fc.dictionary(fc.oneof(fc.constantFrom(...FIELDS), fc.string()), anyValue);
const template = fixture('agent_with_quirks.json');
const untouched = readAgent(template);
/** Stands in for a record that was refused. */
const NOBODY: Agent = { agentId: '0', presence: 'present', hardware: {}, attributes: {}, unreadable: [] };
const almostAgent = anyRecord.map((over): unknown => ({ ...(isJsonObject(template) ? template : {}), ...over }));

/** Whether no boolean was made of anything but one. */
const isFaithful = (attribute: unknown, value: unknown): boolean =>
  typeof attribute !== 'boolean' ||
  [true, false, 0, 1, 'true', 'false', 'True', 'False', 'TRUE'].some((one) => one === value);

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

/** Throws what is neither a page nor a malformed answer. */
function pageOrMalformed(text: string): Page | MalformedAnswer {
  try {
    const times = { consoleTime: undefined, receivedAt: 0, askedAt: 0, answeredAt: 0 };
    return readPage({ body: readAnswer(text, '/agents', 'token-of-the-test'), ...times }, { endpoint: '/agents' });
  } catch (error) {
    if (error instanceof MalformedAnswer) return error;
    throw error;
  }
}

describe('whatever JSON stands in whatever field', () => {
  it('an agent record is an agent that fits its event, or a problem; never an exception', () => {
    fc.assert(
      fc.property(fc.oneof(almostAgent, anyRecord, fc.jsonValue()), (record) => {
        const reading = readAgent(record);
        const { unreadable, ...shown } = reading.ok ? reading.agent : NOBODY;
        const data = { source: 'sentinelone', observedAt: '2026-01-01T00:00:00.000Z', ...shown };
        expect(AgentObserved.data.parse(JSON.parse(JSON.stringify(data)))).toEqual(data);
        expect(typeof shown.agentId).toBe('string');
        expect(numbersIn(shown).every(Number.isFinite)).toBe(true);
        expect(SENTINELONE_ATTRIBUTES).toEqual(expect.arrayContaining(Object.keys(shown.attributes)));
        for (const field of unreadable) expect(shown.attributes).not.toHaveProperty([`sentinelOne:${field}`]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('one odd field costs no other', () => {
    fc.assert(
      fc.property(fc.constantFrom(...FIELDS.filter((field) => field !== 'id')), anyValue, (field, value) => {
        const reading = readAgent({ ...(isJsonObject(template) ? template : {}), [field]: value });
        const { attributes } = reading.ok ? reading.agent : NOBODY;
        const { [`sentinelOne:${field}`]: _odd, ...others } = attributes;
        const { [`sentinelOne:${field}`]: _usual, ...usual } = untouched.ok ? untouched.agent.attributes : {};
        expect(others).toEqual(usual);
      }),
      { numRuns: 1_000 },
    );
  });

  it('what is not there, or not readable, is never guessed: no attribute comes from nothing', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ATTRIBUTE_SOURCES), anyValue, ({ field, name }, value) => {
        const reading = readAgent({ id: '1', [field]: value });
        if (!reading.ok) throw new Error(reading.problem.message);
        expect(Object.keys(reading.agent.attributes).filter((given) => given !== name)).toEqual([]);
        const attribute = reading.agent.attributes[name];
        expect(isFaithful(attribute, value)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('an enumeration value that nobody knows is kept as it is', () => {
    const word = fc.string({ minLength: 1, maxLength: 1024 }).filter((text) => text.trim() !== '');
    const enumerations = ATTRIBUTE_SOURCES.filter(({ type }) => type === 'string').map(({ field }) => field);
    fc.assert(
      fc.property(fc.constantFrom(...enumerations), word, (field, value) => {
        const reading = readAgent({ id: '1', [field]: value });
        expect(reading).toMatchObject({ ok: true, agent: { attributes: { [`sentinelOne:${field}`]: value } } });
      }),
    );
  });

  it('an id stays the text that it was', () => {
    const digits = fc.stringMatching(/^[0-9]{18,19}$/);
    fc.assert(
      fc.property(digits, (id) => {
        expect(readAgent({ id })).toMatchObject({ agent: { agentId: id } });
        expect(readThreat({ id, agentId: id })).toMatchObject({ threat: { threatId: id, agentId: id } });
        expect(readActivity({ id, activityType: 51, agentId: id })).toMatchObject({ activity: { agentId: id } });
        expect(readSite({ id })).toEqual({ id });
      }),
    );
  });

  it('threats, activities and sites are read or refused; never an exception', () => {
    const fields = [
      'id',
      'agentId',
      'activityType',
      'createdAt',
      'updatedAt',
      'threatInfo',
      'agentRealtimeInfo',
      'name',
    ];
    const record = fc.dictionary(fc.constantFrom(...fields), fc.oneof(anyRecord, anyValue));
    fc.assert(
      fc.property(fc.oneof(record, fc.jsonValue()), (raw) => {
        const threat = readThreat(raw);
        expect(threat.ok ? [typeof threat.threat.threatId, typeof threat.threat.agentId] : TEXTS).toEqual(TEXTS);
        const activity = readActivity(raw);
        expect(!activity.ok || Number.isSafeInteger(activity.activity.activityType)).toBe(true);
        expect(['undefined', 'string']).toContain(typeof readSite(raw)?.id);
      }),
      { numRuns: 1_000 },
    );
  });

  it('an answer is a page, or malformed; never an exception of another kind', () => {
    const pagination = fc.dictionary(fc.constantFrom('nextCursor', 'totalItems', 'x'), anyValue);
    const data = fc.oneof(fc.array(anyValue), anyValue);
    const body = fc.oneof(
      fc.record({ data, pagination: fc.oneof(pagination, anyValue), errors: anyValue }, { requiredKeys: [] }),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          body.map((value) => JSON.stringify(value)),
          fc.string(),
        ),
        (text) => {
          const page = pageOrMalformed(text);
          expect(page instanceof MalformedAnswer || Array.isArray(page.records)).toBe(true);
          expect(page instanceof MalformedAnswer || (page.totalItems ?? 0) >= 0).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
