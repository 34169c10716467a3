import type { Device } from './devices.js';

/** An engine that a policy of eight conditions is written for. */
export interface Engine {
  readonly name: string;
  /**
   * Compiles the policy and makes the inputs ready, neither of which is measured.
   * @throws {EngineUnavailable}
   */
  open(devices: readonly Device[]): Promise<OpenEngine>;
}

/** An engine with its policy compiled and its inputs ready. */
export interface OpenEngine {
  /** Whether each device is allowed, in their order. */
  decisions(): Promise<readonly boolean[]>;
  /** Decides about one device after the other, from the first again after the last, for about so many milliseconds. */
  run(milliseconds: number): Promise<Run>;
  close(): Promise<void>;
}

export interface Run {
  readonly evaluations: number;
  readonly seconds: number;
}

/** Thrown by an engine that cannot be had on this machine; the message says why. */
export class EngineUnavailable extends Error {
  override readonly name = 'EngineUnavailable';
}

/** Between two looks at the clock. */
const BATCH = 64;

/** An engine that answers at once; `decide` gets what `inputOf` made of a device. */
export function answering<Input>(
  devices: readonly Device[],
  inputOf: (device: Device) => Input,
  decide: (input: Input) => boolean,
): OpenEngine {
  const inputs = devices.map(inputOf);
  let next = 0;
  let allowed = 0;
  return {
    decisions: async () => inputs.map(decide),
    run: async (milliseconds) => {
      const startedAt = performance.now();
      let evaluations = 0;
      let elapsed = 0;
      while (elapsed < milliseconds) {
        for (let index = 0; index < BATCH; index++) {
          const input = inputs[next];
          if (input !== undefined && decide(input)) allowed += 1;
          next = next + 1 < inputs.length ? next + 1 : 0;
        }
        evaluations += BATCH;
        elapsed = performance.now() - startedAt;
      }
      expectSomeAllowed(allowed);
      return { evaluations, seconds: elapsed / 1_000 };
    },
    close: async () => {},
  };
}

/** An engine that answers by a promise. */
export function promising<Input>(
  devices: readonly Device[],
  inputOf: (device: Device) => Input,
  decide: (input: Input) => Promise<boolean>,
): OpenEngine {
  const inputs = devices.map(inputOf);
  let next = 0;
  let allowed = 0;
  return {
    decisions: async () => {
      const decisions: boolean[] = [];
      for (const input of inputs) decisions.push(await decide(input));
      return decisions;
    },
    run: async (milliseconds) => {
      const startedAt = performance.now();
      let evaluations = 0;
      let elapsed = 0;
      while (elapsed < milliseconds) {
        for (let index = 0; index < BATCH; index++) {
          const input = inputs[next];
          if (input !== undefined && (await decide(input))) allowed += 1;
          next = next + 1 < inputs.length ? next + 1 : 0;
        }
        evaluations += BATCH;
        elapsed = performance.now() - startedAt;
      }
      expectSomeAllowed(allowed);
      return { evaluations, seconds: elapsed / 1_000 };
    },
    close: async () => {},
  };
}

/** The count is used, so that no compiler may leave the decisions out. */
function expectSomeAllowed(allowed: number): void {
  if (allowed === 0)
    throw new Error('No device was allowed while the engine was timed: what was timed did not decide.');
}
