/** A JSON object as it came; every field still has to be looked at. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON's null, or a field that is not there. */
export function isMissing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}
