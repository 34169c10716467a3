import { describe, expect, it } from '@jest/globals';
import { compareEngines } from './compare-engines.js';
import { devicesOf, type Device } from './devices.js';
import { answering, EngineUnavailable, type Engine } from './engine.js';
import { cel } from './peers/cel.js';
import { jsonLogic } from './peers/json-logic.js';
import { stance } from './peers/stance.js';

const ROUNDS = { warmUpMs: 1, rounds: 3, roundMs: 1 };
const devices = devicesOf(300);

const deciding = (name: string, decide: (device: Device) => boolean): Engine => ({
  name,
  open: async (all) => answering(all, (device) => device, decide),
});

const active = deciding('active', ({ values }) => values.isActive === true);

describe('comparing engines', () => {
  it('gives a rate of every engine that decides as the first one does', async () => {
    const figures = await compareEngines([stance, jsonLogic({ ages: true }), cel({ ages: false })], devices, ROUNDS);

    expect(figures.map(({ engine }) => engine)).toEqual(['with reasons', 'json-logic-engine, ages too', 'cel-js']);
    for (const figure of figures) expect(figure).toMatchObject({ perSecond: expect.any(Number) });
  });

  it('times nothing when an engine decides otherwise about any device, and says about which', async () => {
    const careless = deciding('careless', ({ values }) => values.isActive !== false);

    await expect(compareEngines([active, careless], devices, ROUNDS)).rejects.toThrow(/^careless allows \{.*\}$/);
  });

  it('tells of an engine that cannot be had, and measures the others', async () => {
    const absent: Engine = {
      name: 'absent',
      open: () => Promise.reject(new EngineUnavailable('there is no Go on this machine')),
    };

    const [first, second, third] = await compareEngines([active, absent, active], devices, ROUNDS);

    expect(second).toEqual({ engine: 'absent', unavailable: 'there is no Go on this machine' });
    for (const figure of [first, third])
      expect(figure).toMatchObject({ engine: 'active', perSecond: expect.any(Number) });
  });

  it('has about seven devices in ten allowed, of which some lack values', async () => {
    const decisions = await (await stance.open(devices)).decisions();
    const share = decisions.filter(Boolean).length / decisions.length;

    expect(share).toBeGreaterThan(0.6);
    expect(share).toBeLessThan(0.8);
    expect(devices.some(({ values }) => Object.keys(values).length < 8)).toBe(true);
  });
});
