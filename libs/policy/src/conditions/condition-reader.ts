import { parseCondition, type Condition } from './condition.js';
import { InvalidCondition } from './syntax.js';

/** What a text says as a condition. */
export type ReadCondition = (text: string) => Condition | InvalidCondition;

/** Reads each text once, as aliases can name a long one a hundred thousand times. */
export function conditionReader(): ReadCondition {
  const known = new Map<string, Condition | InvalidCondition>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const read = conditionOrError(text);
    known.set(text, read);
    return read;
  };
}

function conditionOrError(text: string): Condition | InvalidCondition {
  try {
    return parseCondition(text);
  } catch (error) {
    if (error instanceof InvalidCondition) return error;
    throw error;
  }
}
