import { soak } from '../soak/soak.js';

/**
 * `npm run soak [-- --seconds <n>] [-- --seed <n>]`: a day of two consoles in 345 s, with everything that goes wrong in it.
 * Ends with 1 when anything did that should not.
 */
const option = (name: string, fallback: number) => {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? fallback : Number(process.argv[at + 1]);
  if (!Number.isFinite(value) || value <= 0) throw new RangeError(`--${name} wants a number above 0`);
  return value;
};

const report = await soak({
  seed: option('seed', Date.now() % 1_000_000),
  lengthMs: option('seconds', 345) * 1_000,
  say: (line) => process.stderr.write(`${line}\n`),
});

const rows = [
  ['seed', String(report.seed)],
  ['length', `${report.seconds.toFixed(0)} s`],
  ['incidents', String(report.incidents.length)],
  ['changes that arrived', String(report.changes)],
  ['change to posture, p50', `${report.latency.p50.toFixed(0)} ms`],
  ['change to posture, p99', `${report.latency.p99.toFixed(0)} ms`],
  ['change to posture, worst', `${report.latency.worst.toFixed(0)} ms`],
  ['slowest recovery from a fault', `${(report.slowestRecoveryMs / 1_000).toFixed(1)} s`],
  ...report.memory.map(({ service, warm, last }) => [
    `memory of ${service}, warm and last`,
    `${warm.toFixed(0)} MiB, ${last.toFixed(0)} MiB`,
  ]),
  ['problems', String(report.problems.length)],
];
const table = ['| what | value |', '|---|---|', ...rows.map(([what, value]) => `| ${what} | ${value} |`)];
process.stdout.write(`${[...table, ...report.problems.map((problem) => `\n${problem}`)].join('\n')}\n`);
process.exitCode = report.problems.length === 0 ? 0 : 1;
