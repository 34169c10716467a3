import { compilePolicy, runPolicyTests, type Policy, type PolicyTestResult } from '@stance/policy';

/**
 * Of each test of a policy, what there is to say where it passes only by an exception and names no time: it will fail once the
 * exception has ended, and then keep out any policy that it is in. `results` are those of `now`, in milliseconds.
 */
export function exceptionNotes(
  policy: Policy,
  results: readonly PolicyTestResult[],
  now: number,
): (string | undefined)[] {
  const ends = policy.tests.map(({ at, device }, index) => {
    const passes = results[index]?.passed === true;
    return passes && at === undefined ? nextEnd(policy, device.id, now) : undefined;
  });
  if (ends.every((end) => end === undefined)) return [];
  const without = runPolicyTests(compilePolicy({ ...policy, exceptions: [] }), now);
  return policy.tests.map(({ name, device }, index) => {
    const end = ends[index];
    if (end === undefined || without[index]?.passed !== false) return undefined;
    return (
      `test "${name}" passes by an exception for ${device.id}, and fails once that has ended (the next one ends at ` +
      `${new Date(end).toISOString()}): give it an \`at\` before that`
    );
  });
}

/** When the next of the device's exceptions ends, in milliseconds; undefined where it has none any more. */
function nextEnd({ exceptions }: Policy, deviceId: string | undefined, now: number): number | undefined {
  const ends = exceptions.filter(({ device, until }) => device === deviceId && until > now).map(({ until }) => until);
  return ends.length === 0 ? undefined : ends.reduce((a, b) => Math.min(a, b));
}
