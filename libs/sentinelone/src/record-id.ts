import { isMissing } from './json.js';

/** Why a record cannot be used. */
export interface RecordProblem {
  readonly code: 'not-an-object' | 'no-id' | 'unusable-id';
  readonly message: string;
}

export const NOT_AN_OBJECT: RecordProblem = { code: 'not-an-object', message: 'The record is not an object' };

/**
 * Ids are texts of 18 or 19 digits: as JSON numbers most of them would already have lost their last digits.
 * @param of whose id it is, for messages
 */
export function readId(value: unknown, of = 'record'): string | RecordProblem {
  if (isMissing(value) || value === '') return { code: 'no-id', message: `The ${of} has no id` };
  const id = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof id === 'string' && /^[\x21-\x7e]{1,64}$/.test(id)) return id;
  return {
    code: 'unusable-id',
    message: `The id of the ${of} is neither a short text nor a number exact enough to be one`,
  };
}
