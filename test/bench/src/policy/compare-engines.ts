import { isDeepStrictEqual } from 'node:util';
import type { Device } from './devices.js';
import { EngineUnavailable, type Engine, type OpenEngine } from './engine.js';

/** How long an engine is measured: in rounds, each engine in turn, so that what else the machine does hits all alike. */
export interface Rounds {
  readonly warmUpMs: number;
  readonly rounds: number;
  readonly roundMs: number;
}

/** What was measured of an engine, or why nothing could be. */
export type EngineFigure =
  | { readonly engine: string; readonly perSecond: number; readonly slowest: number; readonly fastest: number }
  | { readonly engine: string; readonly unavailable: string };

/**
 * Evaluations a second of every engine over the same devices, the median of the rounds. Nothing is timed before all
 * engines decide the same about every device as the first one.
 * @throws {EnginesDisagree}
 */
export async function compareEngines(
  engines: readonly Engine[],
  devices: readonly Device[],
  { warmUpMs, rounds, roundMs }: Rounds,
): Promise<EngineFigure[]> {
  const opened: Opened[] = [];
  try {
    for (const engine of engines) opened.push(await open(engine, devices));
    await expectAgreement(opened, devices);
    for (const { running } of opened) await running?.run(warmUpMs);
    for (let round = 0; round < rounds; round++) {
      for (const { running, rates } of opened) {
        if (running === undefined) continue;
        const { evaluations, seconds } = await running.run(roundMs);
        rates.push(evaluations / seconds);
      }
    }
  } finally {
    for (const { running } of opened) await running?.close();
  }
  return opened.map(({ engine, unavailable, rates }) =>
    unavailable === undefined ? figureOf(engine.name, rates) : { engine: engine.name, unavailable },
  );
}

/** Thrown where an engine decides otherwise than the first: then the policies are not the same, and no time says anything. */
class EnginesDisagree extends Error {
  override readonly name = 'EnginesDisagree';
}

interface Opened {
  readonly engine: Engine;
  readonly running?: OpenEngine;
  readonly unavailable?: string;
  readonly rates: number[];
}

async function open(engine: Engine, devices: readonly Device[]): Promise<Opened> {
  try {
    return { engine, running: await engine.open(devices), rates: [] };
  } catch (error) {
    const notInstalled = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    if (!notInstalled && !(error instanceof EngineUnavailable)) throw error;
    return { engine, unavailable: notInstalled ? 'its package is not installed' : error.message, rates: [] };
  }
}

async function expectAgreement(opened: readonly Opened[], devices: readonly Device[]): Promise<void> {
  const wanted = await opened[0]?.running?.decisions();
  if (wanted === undefined) throw new Error('There is nothing to compare with: the first engine is not there.');
  for (const { engine, running } of opened.slice(1)) {
    const decisions = await running?.decisions();
    if (decisions === undefined || isDeepStrictEqual(decisions, wanted)) continue;
    const differing = wanted.findIndex((allowed, index) => allowed !== decisions[index]);
    const decision = wanted[differing] === true ? 'denies' : 'allows';
    throw new EnginesDisagree(`${engine.name} ${decision} ${JSON.stringify(devices[differing]?.values)}`);
  }
}

function figureOf(engine: string, rates: readonly number[]): EngineFigure {
  const sorted = rates.toSorted((a, b) => a - b);
  const perSecond = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  return { engine, perSecond, slowest: sorted[0] ?? Number.NaN, fastest: sorted.at(-1) ?? Number.NaN };
}
