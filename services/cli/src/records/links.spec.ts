import { describe, expect, test } from '@jest/globals';
import { OperatorActed } from '@stance/contracts';
import { agent, eventOf, linked, OBSERVED_AT, unlinked } from '../fixtures/facts.js';
import { isFollowed, linksInForce } from './links.js';

const now = Date.parse(OBSERVED_AT);
const inForce = (...operations: ReturnType<typeof linked>[]) =>
  linksInForce(
    operations.map((data) => eventOf(OperatorActed, data)),
    now,
  );

describe('links in force', () => {
  test('a link says who linked what to what, and why', () => {
    expect(inForce(linked({ until: '2026-02-01T00:00:00.000Z' }))).toEqual([
      {
        source: 'office-console',
        agentId: '102',
        device: 'laptop-2',
        by: 'ana',
        reason: 'new mainboard',
        linkedAt: OBSERVED_AT,
        until: '2026-02-01T00:00:00.000Z',
      },
    ]);
  });

  const over = '2026-01-05T09:59:59.000Z';
  test.each([
    ['a link after an unlink', [unlinked(), linked()], ['laptop-2']],
    ['an unlink after a link', [linked(), unlinked()], []],
    ['the later of two links', [linked(), linked({ device: 'laptop-3' })], ['laptop-3']],
    ['a link of another agent', [linked(), unlinked('103')], ['laptop-2']],
    ['a link whose time is over, also over one before it', [linked(), linked({ until: over })], []],
    ['what is no link', [linked({ kind: 'sweep-approved' })], []],
    ['a link that does not say of what', [linked({ details: {} })], []],
  ])('%s', (_, operations, devices) => {
    expect(inForce(...operations).map(({ device }) => device)).toEqual(devices);
  });
});

test.each([
  [agent({ by: 'manual', device: 'laptop-2' }), true],
  [agent({ by: 'serial', device: 'laptop-2' }), false],
  [agent({ by: 'manual', device: 'laptop-1' }), false],
  [agent({ by: 'manual', state: 'quarantined', device: null }), false],
  [undefined, false],
])('a link is followed where the register says so: %#', (register, followed) => {
  expect(isFollowed({ device: 'laptop-2' }, register)).toBe(followed);
});
