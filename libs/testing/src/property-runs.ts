/**
 * How many stories a property test tries: what it usually does, times `STANCE_PROPERTY_RUNS` (1 or more; default 1). The
 * usual number is what each run of `npm test` can afford; the stories are others each time.
 */
export function propertyRuns(usual: number): number {
  return Math.ceil(usual * Number(process.env['STANCE_PROPERTY_RUNS'] ?? 1));
}
