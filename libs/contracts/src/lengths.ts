import { z } from 'zod';

/**
 * Bounds on the length of texts (in characters) and lists, in place of zod's `.min()` and `.max()`. Those compare the
 * `length` of whatever they are given, also where a text or list was found missing: an object such as
 * `{"length":{"toString":null}}` makes them throw a `TypeError` instead of reporting an issue (zod 4.6.7, `_whenHasLength`).
 */
export function atLeast(minimum: number, error?: string): z.core.$ZodCheckMinLength {
  return new z.core.$ZodCheckMinLength({ check: 'min_length', minimum, when: hasLength, ...worded(error) });
}

/** See {@link atLeast}. */
export function atMost(maximum: number, error?: string): z.core.$ZodCheckMaxLength {
  return new z.core.$ZodCheckMaxLength({ check: 'max_length', maximum, when: hasLength, ...worded(error) });
}

const hasLength = ({ value }: z.core.ParsePayload): boolean => typeof value === 'string' || Array.isArray(value);

const worded = (error: string | undefined) => (error === undefined ? {} : { error: () => error });
