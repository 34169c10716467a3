/** The system's code of an error, such as `ENOENT`; not by `instanceof`, which fails across the realms of a test runner. */
export function errorCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
