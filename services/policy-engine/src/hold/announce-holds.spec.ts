import { describe, expect, it } from '@jest/globals';
import { announceBegun, announceContinued, healthOf } from './announce-holds.js';

const UNTIL = Date.parse('2026-11-21T08:15:00Z');
const since = UNTIL - 15 * 60_000;
const devices = new Set(['d1', 'd2']);

/** What a logger was told at the level of errors. */
function told(announce: (logger: { error(fields: object, message: string): void }) => void): [object, string][] {
  const errors: [object, string][] = [];
  announce({ error: (fields, message) => void errors.push([fields, message]) });
  return errors;
}

describe('the log', () => {
  it('says why a hold began, until when, and what to do', () => {
    const begun = { gateway: 'edge', until: UNTIL, for: 1, above: 0.2, devices: 3, open: 10 };
    const [[fields, message] = [{}, ''], ...others] = told((logger) => announceBegun(logger, begun));
    expect(others).toEqual([]);
    expect(fields).toEqual({
      gateway: 'edge',
      heldUntil: '2026-11-21T08:15:00.000Z',
      devices: 3,
      devicesWithSessions: 10,
    });
    expect(message).toMatch(/3 of its 10 devices with open sessions would lose them within a minute, more than 20 %/);
    expect(message).toMatch(/wait until 2026-11-21T08:15:00.000Z.*`stance hold release edge --reason <why>`/);
  });

  it('says that one of a predecessor goes on', () => {
    const [[, message] = [{}, '']] = told((logger) =>
      announceContinued(logger, { gateway: 'edge', since, until: UNTIL, devices }),
    );
    expect(message).toMatch(/still holding the revocations of 2 devices back at edge; .* 2026-11-21T08:15:00.000Z/);
  });
});

it('the state of the service names the gateway, until when and for how many', () => {
  expect(healthOf({ gateway: 'edge', since, until: UNTIL, devices })).toEqual({
    gateway: 'edge',
    until: '2026-11-21T08:15:00.000Z',
    devices: 2,
  });
});
