import { compareEngines, type EngineFigure } from './compare-engines.js';
import { devicesOf, type Device } from './devices.js';
import { casbin } from './peers/casbin.js';
import { cedar } from './peers/cedar.js';
import { cel } from './peers/cel.js';
import { jsonLogic } from './peers/json-logic.js';
import { jsonRulesEngine } from './peers/json-rules-engine.js';
import { opaGo } from './peers/opa-go.js';
import { opaWasm } from './peers/opa-wasm.js';
import { stance, stanceEffectOnly } from './peers/stance.js';

/** Evaluations a second of one policy of eight conditions. */
export interface PolicyEvaluation {
  /** Share of the devices of the mix that are allowed. */
  readonly allowedShare: number;
  readonly mix: Comparison;
  /** Allowed devices alone, of which there is nothing to explain. */
  readonly allowed: Comparison;
}

export interface Comparison {
  /** Each way of asking Stance. */
  readonly stance: readonly EngineFigure[];
  readonly others: readonly EngineFigure[];
}

const STANCE = [stance, stanceEffectOnly];
const OTHERS = [
  jsonLogic({ ages: false }),
  jsonLogic({ ages: true }),
  cel({ ages: false }),
  cel({ ages: true }),
  casbin,
  jsonRulesEngine,
  cedar,
  opaGo,
  opaWasm,
];

const DEVICES = 4_000;

/** Stance beside other engines with the same policy over the same devices, in one process and one run. */
export async function measurePolicyEvaluation({ quick }: { quick: boolean }): Promise<PolicyEvaluation> {
  const rounds = quick ? { warmUpMs: 150, rounds: 3, roundMs: 40 } : { warmUpMs: 300, rounds: 5, roundMs: 120 };
  const compare = async (devices: readonly Device[]): Promise<Comparison> => {
    const figures = await compareEngines([...STANCE, ...OTHERS], devices, rounds);
    return { stance: figures.slice(0, STANCE.length), others: figures.slice(STANCE.length) };
  };
  const devices = devicesOf(DEVICES);
  const decisions = await (await stance.open(devices)).decisions();
  const allowed = devices.filter((_, index) => decisions[index]);
  return {
    allowedShare: allowed.length / devices.length,
    mix: await compare(devices),
    allowed: await compare(allowed),
  };
}
