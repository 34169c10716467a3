import { describe, expect, test } from '@jest/globals';
import { goldenFiles, readGoldenCase } from './golden-files.js';
import { momentsOf } from './story.js';

const read = (text: string, daysLater = 0) => readGoldenCase({ name: 'a-case.yaml', text }, { daysLater });

describe('a golden case', () => {
  test('begins at one time where it does not say when, and can be moved with every date in it', () => {
    expect(read('policy: x').now).toBe('2026-11-21T12:00:00Z');
    const moved = read(
      "policy: until 2026-12-31T08:00:00.5Z, 9999-12-31, 2026-02-30, 24.1-2026-1\nsteps: [{ at: '2026-11-30T00:00:00Z' }]",
      2,
    );
    expect(moved).toMatchObject({
      policy: 'until 2027-01-02T08:00:00.5Z, 9999-12-31, 2026-02-30, 24.1-2026-1',
      now: '2026-11-23T12:00:00Z',
      steps: [{ at: '2026-12-02T00:00:00Z' }],
    });
  });

  test.each([
    ['a misspelt field', 'policy: x\nexpcet: {}', /a-case.yaml is no golden case: .*expcet/],
    ['no policy', 'device: {}', /policy/],
    ['nothing', '', /policy/],
    [
      'a step that changes the policy and the posture',
      "policy: x\nsteps: [{ at: '2026-11-22T00:00:00Z', policy: y, device: {} }]",
      /changes the policy or the posture/,
    ],
  ])('with %s is refused', (_, text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  test('tells of each moment what holds, changed or not', () => {
    const moments = momentsOf(
      read(`
policy: x
device: { id: laptop-1, groups: [finance] }
agents: [{}, { agentId: other, observedAt: '2026-11-20T00:00:00Z' }]
attributes: { a: 1, b: [x], c: { value: true, agent: 1 } }
steps:
  - { at: '2026-11-22T00:00:00Z', gateway: vpn, device: { tags: [office] }, attributes: { a: null } }
  - { at: '2026-11-23T00:00:00Z', agents: [{}] }
  - { at: '2026-11-24T00:00:00Z' }
`),
    );
    const [first, second, third, last] = moments;
    expect(first).toMatchObject({
      policy: 'x',
      gateway: 'edge',
      tellsPosture: true,
      posture: {
        device: { state: 'enrolled', groups: ['finance'], tags: [] },
        agents: [{ agentId: 'agent-1', observedAt: '2026-11-21T12:00:00Z' }, { agentId: 'other' }],
        attributes: { a: { value: 1, agent: 0 }, b: { value: ['x'], agent: 0 }, c: { value: true, agent: 1 } },
      },
    });
    expect(second).toMatchObject({
      policy: undefined,
      gateway: 'vpn',
      posture: { device: { groups: ['finance'], tags: ['office'] }, agents: first?.posture?.agents },
    });
    expect(Object.keys(second?.posture?.attributes ?? {})).toEqual(['b', 'c']);
    expect(third?.posture?.agents).toMatchObject([{ agentId: 'agent-1', observedAt: '2026-11-23T00:00:00Z' }]);
    expect(last).toMatchObject({ gateway: 'vpn', tellsPosture: false, posture: third?.posture });
  });

  test('without a device has no posture record', () => {
    expect(momentsOf(read('policy: x\nproblems: [quarantined]'))).toMatchObject([
      { posture: undefined, tellsPosture: false },
    ]);
  });
});

test('the cases have names that tell them apart, and devices too where they name them', () => {
  const ids = goldenFiles().flatMap((file) => readGoldenCase(file).device?.id ?? []);
  expect(ids.length).toBeGreaterThan(10);
  expect(new Set(ids).size).toBe(ids.length);
});
