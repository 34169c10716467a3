import { describe, expect, it } from '@jest/globals';
import { AgentObserved } from '@stance/contracts';
import { cpuMsOf } from '@stance/testing';
import { readAgent, SENTINELONE_ATTRIBUTES, type Agent } from './agent-record.js';
import { isJsonObject, type JsonObject } from './json.js';
import { fixture } from './fixtures/scripted-console.js';

function read(record: unknown): Agent {
  const reading = readAgent(record);
  if (!reading.ok) throw new Error(reading.problem.message);
  return reading.agent;
}

function records(file: string): JsonObject[] {
  const body = fixture(file);
  if (!isJsonObject(body) || !Array.isArray(body['data'])) throw new Error(`${file} is no page`);
  return body['data'].filter(isJsonObject);
}

/** The value of one field as an attribute, and whether it was unreadable. */
function attribute(field: string, value: unknown): { value: unknown; unreadable: boolean } {
  const agent = read({ id: '1', [field]: value });
  return { value: agent.attributes[`sentinelOne:${field}`], unreadable: agent.unreadable.includes(field) };
}

describe('a real agent record', () => {
  const [record] = records('search_agents_single.json');
  const agent = read(record);

  it('gives identity, hardware and times', () => {
    expect(agent).toMatchObject({
      agentId: '0000000000000000001',
      presence: 'present',
      hardware: {
        hostname: 'Hostname0',
        macAddresses: ['00:b0:d0:63:c2:26'],
        uuid: 'b7b2d39171be4ae1af90f93d7ed20f07',
      },
      reportedAt: '2023-01-01T00:00:00.000000Z',
      lastSeenAt: '2023-01-01T00:00:00.000000Z',
      registeredAt: '2023-01-01T00:00:00.000000Z',
      unreadable: [],
    });
    expect(agent).not.toHaveProperty('user');
    expect(agent).not.toHaveProperty('goneReason');
  });

  it('gives every attribute that it holds, and none that it does not', () => {
    expect(agent.attributes).toEqual({
      'sentinelOne:isActive': true,
      'sentinelOne:isUpToDate': true,
      'sentinelOne:isDecommissioned': false,
      'sentinelOne:isUninstalled': false,
      'sentinelOne:isPendingUninstall': false,
      'sentinelOne:agentVersion': '1.0.2.3',
      'sentinelOne:operationalState': 'na',
      'sentinelOne:consoleMigrationStatus': 'N/A',
      'sentinelOne:registeredAt': '2023-01-01T00:00:00.000000Z',
      'sentinelOne:userActionsNeeded': [],
      'sentinelOne:infected': false,
      'sentinelOne:threatRebootRequired': false,
      'sentinelOne:activeThreats': 0,
      'sentinelOne:mitigationMode': 'protect',
      'sentinelOne:mitigationModeSuspicious': 'detect',
      'sentinelOne:appsVulnerabilityStatus': 'up_to_date',
      'sentinelOne:scanStatus': 'finished',
      'sentinelOne:scanStartedAt': '2023-01-01T00:00:00.000000Z',
      'sentinelOne:scanFinishedAt': '2023-01-01T00:00:00.000000Z',
      'sentinelOne:networkStatus': 'connected',
      'sentinelOne:networkQuarantineEnabled': false,
      'sentinelOne:firewallEnabled': true,
      'sentinelOne:encryptedApplications': false,
      'sentinelOne:allowRemoteShell': false,
      'sentinelOne:inRemoteShellSession': false,
      'sentinelOne:remoteProfilingState': 'disabled',
      'sentinelOne:rangerStatus': 'NotApplicable',
      'sentinelOne:locationType': 'fallback',
      'sentinelOne:locations': ['Fallback'],
      'sentinelOne:machineType': 'server',
      'sentinelOne:modelName': 'Example Model',
      'sentinelOne:osType': 'windows',
      'sentinelOne:osName': 'System Name',
      'sentinelOne:osRevision': '9200',
      'sentinelOne:osArch': '64 bit',
      'sentinelOne:domain': 'WORKGROUP',
      'sentinelOne:osStartTime': '2023-01-01T00:00:00.000000Z',
      'sentinelOne:siteId': '00000000000000001',
      'sentinelOne:siteName': 'Rapid7',
      'sentinelOne:groupId': '000000000000000001',
      'sentinelOne:groupName': 'Example Group',
      'sentinelOne:accountId': '000000000000000001',
      'sentinelOne:accountName': 'ExampleName',
    });
  });

  it('fits the event that is published from it', () => {
    const { unreadable: _, ...shown } = read(fixture('agent_with_quirks.json'));
    const data = { source: 'sentinelone', observedAt: '2026-01-01T00:00:00.000Z', ...shown };
    expect(AgentObserved.data.parse(data)).toEqual(data);
  });

  it('shows two agents of the same id apart, as they are', () => {
    const both = records('search_agents_multiple.json').map(read);
    expect(both.map(({ agentId }) => agentId)).toEqual(['0000000000000000002', '0000000000000000002']);
    expect(both[0]?.hardware.uuid).not.toBe(both[1]?.hardware.uuid);
  });
});

describe('an agent record with the quirks of the field', () => {
  const agent = read(fixture('agent_with_quirks.json'));

  it('reads booleans and counts sent as text, lists in one order, times with their microseconds', () => {
    expect(agent.attributes).toMatchObject({
      'sentinelOne:isActive': true,
      'sentinelOne:isUpToDate': true,
      'sentinelOne:firewallEnabled': false,
      'sentinelOne:infected': false,
      'sentinelOne:activeThreats': 3,
      'sentinelOne:scanStartedAt': '2025-03-04T00:00:00.500000Z',
      'sentinelOne:userActionsNeeded': ['agent_upgrade', 'reboot_needed'],
      'sentinelOne:missingPermissions': ['user-action-needed-bluetooth-per', 'user_action_needed_fda'],
      'sentinelOne:tags': ['lab', 'tier:gold'],
      'sentinelOne:siteId': '2251799813685249',
      'sentinelOne:externalId': 'asset-4711',
    });
  });

  it('keeps values of enumerations that nobody has seen yet', () => {
    expect(agent.attributes).toMatchObject({
      'sentinelOne:operationalState': 'quantum_disabled',
      'sentinelOne:scanStatus': 'in_progress',
    });
  });

  it('leaves out what is absent, null, empty or "None"', () => {
    for (const name of [
      'encryptedApplications',
      'operationalStateExpiration',
      'detectionState',
      'machineType',
      'domain',
    ]) {
      expect(agent.attributes).not.toHaveProperty([`sentinelOne:${name}`]);
    }
  });

  it('leaves out and names what it cannot read', () => {
    expect(agent.unreadable).toEqual(['activeProtection', 'scanFinishedAt']);
  });

  it('ignores fields nobody knows', () => {
    expect(Object.keys(agent.attributes).filter((name) => !SENTINELONE_ATTRIBUTES.includes(name))).toEqual([]);
  });

  it('keeps each usable hardware address once, in order', () => {
    expect(agent.hardware).toEqual({
      hostname: 'build-07',
      uuid: '4c1f0a7e5f3b4f5f8f3d2f4f5a6b7c8d',
      externalId: 'asset-4711',
      macAddresses: ['00:00:5e:00:53:00', '06:35:e6:62:53:2e'],
    });
    expect(agent.user).toBe('dana');
  });

  it('keeps the two times apart: a heartbeat does not always touch the record', () => {
    expect(agent.reportedAt).toBe('2025-03-04T03:33:21.123456Z');
    expect(agent.lastSeenAt).toBe('2025-03-04T06:17:45.654321Z');
  });
});

describe('when an agent first registered', () => {
  const [registeredAt, createdAt] = ['2024-05-06T07:08:09.000001Z', '2024-05-06T07:08:10.000000Z'];
  it.each<[JsonObject, string | undefined]>([
    [{ registeredAt, createdAt }, registeredAt],
    [{ registeredAt: null, createdAt }, createdAt],
    [{ registeredAt: 'None', createdAt }, createdAt],
    [{ registeredAt: 'yesterday', createdAt }, createdAt],
    [{ createdAt }, createdAt],
    [{ createdAt: 7 }, undefined],
    [{}, undefined],
  ])('%j: %s', (record, expected) => {
    expect(read({ id: '1', ...record }).registeredAt).toBe(expected);
  });

  it('names what it cannot read', () => {
    expect(read({ id: '1', registeredAt: 7, createdAt: 'x' }).unreadable).toEqual(['registeredAt', 'createdAt']);
  });
});

describe('one field, read by its type', () => {
  it.each<[string, unknown, unknown]>([
    ['infected', 'TRUE', true],
    ['infected', 1, true],
    ['infected', '', undefined],
    ['activeThreats', '0', 0],
    ['activeThreats', -0, 0],
    ['activeThreats', 'None', undefined],
    ['operationalState', 'none', 'none'],
    ['operationalState', 'None', 'None'],
    ['operationalState', '   ', undefined],
    ['osRevision', 9200, '9200'],
    ['agentVersion', '24.2.3.471-rc1', '24.2.3.471-rc1'],
    ['agentVersion', 'None', undefined],
    ['registeredAt', null, undefined],
    ['userActionsNeeded', null, undefined],
    ['userActionsNeeded', [], []],
    ['tags', {}, undefined],
    ['tags', { sentinelone: [] }, []],
  ])('%s %j is %j', (field, value, expected) => {
    expect(attribute(field, value)).toEqual({ value: expected, unreadable: false });
  });

  it.each<[string, unknown]>([
    ['infected', 3],
    ['infected', 'yes'],
    ['infected', {}],
    ['activeThreats', -1],
    ['activeThreats', 1.5],
    ['activeThreats', '1e3'],
    ['activeThreats', true],
    ['activeThreats', '99999999999999999999'],
    ['networkStatus', true],
    ['networkStatus', ['connected']],
    ['networkStatus', 'x'.repeat(1025)],
    ['siteId', 1086513476221472100],
    ['agentVersion', 24.1],
    ['agentVersion', 'latest'],
    ['registeredAt', 1741059201000],
    ['registeredAt', '2025-02-30T00:00:00Z'],
    ['userActionsNeeded', 'reboot_needed'],
    ['userActionsNeeded', ['reboot_needed', null]],
    ['userActionsNeeded', Array.from({ length: 257 }, String)],
    ['tags', ['tier']],
    ['tags', { sentinelone: [{ value: 'gold' }] }],
    ['locations', [{ id: '1' }]],
  ])('%s %j is unreadable, so left out', (field, value) => {
    expect(attribute(field, value)).toEqual({ value: undefined, unreadable: true });
  });
});

describe('presence', () => {
  it.each<[JsonObject, unknown]>([
    [{ isUninstalled: true }, { presence: 'gone', goneReason: 'uninstalled' }],
    [{ isUninstalled: 'True' }, { presence: 'gone', goneReason: 'uninstalled' }],
    [{ isUninstalled: false }, { presence: 'present' }],
    [{ isUninstalled: 'maybe' }, { presence: 'present', unreadable: ['isUninstalled'] }],
    [{}, { presence: 'present' }],
    [{ isDecommissioned: true }, { presence: 'present', attributes: { 'sentinelOne:isDecommissioned': true } }],
  ])('%j', (record, expected) => {
    expect(read({ id: '1', ...record })).toMatchObject(expected as JsonObject);
  });
});

describe('a record that is no agent is a problem, never an exception', () => {
  it.each<[unknown, string]>([
    [null, 'not-an-object'],
    [undefined, 'not-an-object'],
    ['agent', 'not-an-object'],
    [7, 'not-an-object'],
    [[{ id: '1' }], 'not-an-object'],
    [{}, 'no-id'],
    [{ id: null }, 'no-id'],
    [{ id: '' }, 'no-id'],
    [{ id: ' ' }, 'unusable-id'],
    [{ id: true }, 'unusable-id'],
    [{ id: { $oid: '1' } }, 'unusable-id'],
    [{ id: 1.5 }, 'unusable-id'],
    // As a JSON number it has already become ...100.
    [JSON.parse('{"id": 1086513476221472121}'), 'unusable-id'],
    [{ id: '1'.repeat(65) }, 'unusable-id'],
    [{ id: 'a b' }, 'unusable-id'],
  ])('%j', (record, code) => {
    expect(readAgent(record)).toMatchObject({ ok: false, problem: { code } });
  });

  it.each([
    ['1086513476221472121', '1086513476221472121'],
    ['0000000000000000001', '0000000000000000001'],
    [42, '42'],
  ])('but the id %j is usable', (id, agentId) => {
    expect(read({ id }).agentId).toBe(agentId);
  });
});

it('20,000 records are read in less than two seconds, on a slow machine too', () => {
  const [record] = records('search_agents_single.json');
  const took = cpuMsOf(() => {
    for (let index = 0; index < 20_000; index++) read(record);
  });
  expect(took).toBeLessThan(2_000);
});
