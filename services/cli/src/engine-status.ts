import { GetEngineStatus, type EngineStatus } from '@stance/contracts';
import { ask, RequestFailed, ServiceUnavailable } from '@stance/jetstream';
import type { Stack } from './stack.js';

const TIMEOUT_MS = 2_000;

/** Null where the engine does not answer: for screens that show what there is without it, and the more so then. */
export async function engineStatusIfAny({ connection }: Stack): Promise<EngineStatus | null> {
  try {
    return await ask(connection, GetEngineStatus, {}, { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (error instanceof ServiceUnavailable || error instanceof RequestFailed) return null;
    throw error;
  }
}
