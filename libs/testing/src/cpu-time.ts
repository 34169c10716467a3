/**
 * The milliseconds of processor time that synchronous work takes: what else a busy machine does, which a clock on the wall
 * counts as well, does not show in it.
 */
export function cpuMsOf(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
