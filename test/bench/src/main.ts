import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { findNatsServer } from '@stance/nats-server';
import { measureFirstSync } from './first-sync.js';
import { measureFleetReview } from './fleet-review.js';
import { measureGateway } from './gateway/measure-gateway.js';
import { measureMatching } from './matching.js';
import { measureObservation } from './observation.js';
import { measurePolicies } from './policy/measure-policies.js';
import { measureReaction } from './reaction.js';
import { measureRelayReaction, measureRelayThroughput } from './relay.js';
import { rowOf, tableOf, tell, type Row } from './rows.js';
import { measureThroughput } from './throughput.js';

/** `npm run bench [-- --quick] [-- --json <file>]`: every figure beside a bare limit of the same run, as a ratio.
 * With BENCH_PROFILE_DIR, each service leaves a CPU profile there. */
const quick = process.argv.includes('--quick');
const jsonFile = process.argv.includes('--json') ? process.argv[process.argv.indexOf('--json') + 1] : undefined;
const size = quick
  ? { reactions: 200, changes: 2_000, agents: 5_000, infections: 30, fleet: 10_000 }
  : { reactions: 1_500, changes: 20_000, agents: 100_000, infections: 300, fleet: 100_000 };

const rows: Row[] = [];
function add(...figure: Parameters<typeof rowOf>): void {
  const row = rowOf(...figure);
  rows.push(row);
  tell(row);
}

// First of all, as this process plays the console and the gateway: what the others leave in its memory would slow both down.
// 45 ms between polls is the fastest that the API's limits allow.
const rate = { changes: size.reactions, perSecond: 50, answerEveryMs: 45 };
const { reaction, sizes } = await measureReaction(rate);
const relay = await measureRelayReaction(sizes, rate);
add('reaction at 50 changes/s, p50', reaction.p50, relay.p50, 'ms', 'at most 2x');
add('reaction at 50 changes/s, p99', reaction.p99, relay.p99, 'ms', 'at most 3x');

const throughput = await measureThroughput(size.changes);
const relayThroughput = await measureRelayThroughput(sizes, size.changes);
add(
  'sustained, audit on, five processes',
  throughput.changesPerSecond,
  relayThroughput.changesPerSecond,
  'changes/s',
  'at least 0.5x',
);

const cpuPerChange = Object.values(throughput.cpuMicroseconds).reduce((sum, one) => sum + one, 0);
add('  processor time per change', cpuPerChange, relayThroughput.cpuMicroseconds, 'µs', 'reported');

const policy = await measurePolicies({ quick });
rows.push(...policy.rows);

const gateway = await measureGateway({ quick });
rows.push(...gateway.rows);

const fleet = await measureFleetReview({ devices: size.fleet, perSecond: 100, aloneSeconds: quick ? 5 : 20 });
add(`policy change, ${fleet.devices} devices, until the last decision`, fleet.seconds, null, 's', 'reported');
add('  a posture change meanwhile, p50', fleet.during.p50, fleet.alone.p50, 'ms', 'reported');
add('  a posture change meanwhile, p99', fleet.during.p99, fleet.alone.p99, 'ms', 'at most 2x');
add(`  memory of policy-engine with ${fleet.devices} devices`, fleet.engineMiB, null, 'MiB', 'reported');

const sync = await measureFirstSync(size.agents);
add(`first sync of ${size.agents} agents`, sync.syncSeconds, sync.bareSeconds, 's', 'at most 1.5x');
add(`  a sweep with nothing changed`, sync.sweepSeconds, sync.bareSeconds, 's', 'at most 1.2x');
add(`  observations published by it`, sync.sweepPublished, null, '', 'none');
add(`  resident in the poller, per agent`, sync.pollerBytesPerAgent / 1_024, null, 'KiB', 'under 2 KiB');
add(`  until all is decided and audited`, sync.decidedSeconds, null, 's', 'reported');
for (const [name, mebibytes] of Object.entries(sync.memory)) {
  add(`  memory of ${name} with ${size.agents} devices`, mebibytes, null, 'MiB', 'reported');
}

const matching = await measureMatching(size.agents);
add(
  `matching ${size.agents} agents`,
  matching.agentsPerSecond,
  matching.bareMessagesPerSecond,
  'agents/s',
  'at least 20,000/s',
);
add(`  resident in the matcher, per agent with its device`, matching.bytesPerAgent / 1_024, null, 'KiB', 'under 1 KiB');

const observation = await measureObservation(size.infections);
add('infection to observed, beyond one poll interval, p50', observation.p50, null, 'ms', 'reported');
add('infection to observed, beyond one poll interval, worst', observation.max, null, 'ms', 'at most 50 ms');

const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
const versions = `Node ${process.versions.node}, nats-server ${(await findNatsServer()).version}`;
const lines = [`Machine: ${machine}. ${versions}. Mean bytes: ${JSON.stringify(sizes)}.`, '', ...tableOf(rows)];
process.stdout.write(`${lines.join('\n')}\n`);
const report = {
  machine,
  versions,
  date: new Date().toISOString(),
  quick,
  sizes,
  reaction,
  relay,
  throughput,
  relayThroughput,
  sync,
  matching,
  observation,
  fleet,
  gateway,
  policy: { evaluation: policy.evaluation, change: policy.change, curves: policy.curves },
  rows,
};
if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify(report, null, 2)}\n`);
