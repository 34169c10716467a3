import { z } from 'zod';

/**
 * A map whose values are checked in place. It stands for `z.record(z.string(), value)`, which copies the map and costs ten
 * times as much: maps of attributes are most of an event, and every event is checked at every hop.
 *
 * `isValue` decides at run time; `value` says the same for the types and the generated schemas.
 */
export function mapOf<Value>(
  value: z.ZodType<Value>,
  isValue: (candidate: unknown) => boolean,
): z.ZodType<Record<string, Value>> {
  const { $schema: _dialect, ...additionalProperties } = z.toJSONSchema(value, { io: 'input' });
  return z
    .custom<Record<string, Value>>((map) => isMap(map) && Object.values(map).every(isValue), {
      error: 'Invalid input: expected a map, each value of its type',
    })
    .meta({ type: 'object', propertyNames: { type: 'string' }, additionalProperties });
}

function isMap(candidate: unknown): candidate is Record<string, unknown> {
  return typeof candidate === 'object' && candidate !== null && !Array.isArray(candidate);
}
