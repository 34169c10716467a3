import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jetstream } from '@nats-io/jetstream';
import { AuditRecorded, filterOf, PolicyActivated, STREAMS } from '@stance/contracts';
import { startFaultProxy, waitFor, type FaultProxy } from '@stance/testing';
import { RULES_FILE } from './deployed.js';
import { findTool, howToGet } from './find-tool.js';
import { Installation, POLICY } from './installation.js';
import { documentedMetrics, metricsIn } from './metric-table.js';
import { PrometheusProcess, type FiringAlert } from './prometheus-process.js';
import { readRules } from './rules.js';
import { scaledRules } from './scaled-rules.js';

/**
 * Durations of the rules are divided by this: 5 minutes of looking become 10 seconds. Thresholds stay as they are, so that a
 * console has to be silent for two real minutes.
 */
const FACTOR = 30;
const LEAST_MS = 3_000;
/** Each way between device-matcher and the server: a renewal then takes 0.6 of the 0.8 s that it may. */
const SLOW_MS = 300;
/** Alerts that no fault fires here, by their severity, and why; deploy/prometheus/tests has a unit test of each. */
const NOT_FIRED_HERE = new Map([
  ['StanceAuditVerificationOverdue warning', 'the fault would have to last for a day'],
  ['StanceStorageFilling critical', 'the storage of a server is told by another program, the exporter of NATS'],
]);

const binary = await findTool('prometheus');
const withPrometheus = binary === undefined ? describe.skip : describe;

let prometheus: PrometheusProcess;
let matchersWay: FaultProxy;
let stance: Installation;
let atRest: FiringAlert[];
const fired = new Set<string>();

/** Alerts that fire now, of these labels. */
async function firing(alertname: string, labels: FiringAlert = {}): Promise<FiringAlert[]> {
  const wanted = Object.entries({ alertname, ...labels });
  return (await prometheus.firing()).filter((alert) => wanted.every(([name, value]) => alert[name] === value));
}

interface Expected {
  readonly alert: string;
  readonly labels?: FiringAlert;
  readonly withinMs?: number;
}

/** That the fault fires all of the alerts. One that fires already, as the machine is slow or by what was before, ends first. */
async function expectToFire(expected: readonly Expected[], fault: () => unknown): Promise<void> {
  for (const { alert, labels } of expected) {
    await waitFor(async () => (await firing(alert, labels)).length === 0, {
      what: `${alert} not to fire before its fault`,
      timeoutMs: 60_000,
      intervalMs: 250,
    });
  }
  await fault();
  for (const one of expected) await expectFiring(one);
}

async function expectFiring({ alert, labels, withinMs = 40_000 }: Expected): Promise<void> {
  const found = await waitFor(
    async () => {
      const alerts = await firing(alert, labels);
      return alerts.length > 0 ? alerts : undefined;
    },
    { what: `${alert} to fire`, timeoutMs: withinMs, intervalMs: 250 },
  );
  for (const { severity = 'none' } of found) fired.add(`${alert} ${severity}`);
}

/** What fires although all is well: nothing, after a moment. Rejects with what goes on firing. */
async function firingAtRest(): Promise<FiringAlert[]> {
  const look = async () => {
    const alerts = await prometheus.firing();
    if (alerts.length > 0) throw new Error(`there fires ${JSON.stringify(alerts)}`);
    return alerts;
  };
  return waitFor(look, { what: 'nothing to fire', timeoutMs: 30_000, intervalMs: 250 });
}

/** Resolves once the observation that caused the last revocation is older than this. */
async function revocationOlderThan(ageMs: number, sequence: number): Promise<void> {
  const revocation = async () => stance.manager.streams.getMessage(STREAMS.REVOCATIONS.name, { seq: sequence });
  const found = await waitFor(revocation, { what: 'the revocation', timeoutMs: 20_000 });
  const { observedat } = found.json<{ observedat: string }>();
  await waitFor(() => Date.now() - Date.parse(observedat) > ageMs, { what: `the observation to be ${ageMs} ms old` });
}

withPrometheus(binary === undefined ? howToGet('prometheus') : 'a real fault fires its alert:', () => {
  beforeAll(async () => {
    const rules = scaledRules(await readFile(RULES_FILE, 'utf8'), FACTOR, LEAST_MS);
    prometheus = await PrometheusProcess.start({ binary: binary ?? '', rules });
    stance = await Installation.start(prometheus, async (service, url) => {
      if (service !== 'device-matcher') return url;
      matchersWay = await startFaultProxy({ target: url });
      return `nats://127.0.0.1:${matchersWay.port}`;
    });
    await waitFor(async () => (await prometheus.count('stance_source_state{state="ok"} == 1')) === 3, {
      what: 'all consoles to be read',
      timeoutMs: 60_000,
    });
    await stance.open(0, 'payroll');
    atRest = await firingAtRest();
    // From here on, as two minutes have to pass before it is noticed: asserted when the others are through.
    stance.consoles.failing.faults.script({ kind: 'server-error', times: 1_000_000 });
  }, 210_000);

  afterAll(async () => {
    await stance?.close();
    await matchersWay?.close();
    await prometheus?.stop();
  });

  test('none fires while all is well', () => {
    expect(atRest).toEqual([]);
  });

  test('a console that refuses the token', async () => {
    await expectToFire([{ alert: 'StanceSourcePaused', labels: { source: 'refusing' } }], () => {
      stance.consoles.refusing.tokens.expire();
    });
    expect(await firing('StanceSourcePaused', { source: 'office' })).toEqual([]);
  }, 120_000);

  test('messages that are no events', async () => {
    const garbage = () =>
      jetstream(stance.connection).publish('stance.agent.observed.v1.office.hostile', '{"hello":1}');
    const labels = { service: 'device-matcher', code: 'malformed' };
    await expectToFire([{ alert: 'StanceDeadLetters', labels }], garbage);
  }, 120_000);

  test('a lease that is renewed over a slow way', async () => {
    const labels = { lease: 'device-matcher' };
    await expectToFire([{ alert: 'StanceLeaseCloseToExpiry', labels }], () => matchersWay.delay(SLOW_MS));
    await matchersWay.resume();
  }, 120_000);

  test('a gateway that stood still while a revocation came', async () => {
    const revocations = 'sum(stance_gateway_reaction_count) >=';
    await stance.open(1, 'payroll');
    stance.change(0, (fleet, agent) => fleet.infect(agent));
    await waitFor(() => prometheus.count(`${revocations} 1`), { what: 'a first revocation', timeoutMs: 30_000 });
    const labels = { gateway: 'edge' };
    const alerts = ['critical', 'warning'].map((severity) => ({
      alert: 'StanceReactionTimeOverObjective',
      labels: { ...labels, severity },
    }));
    await expectToFire(alerts, async () => {
      const { pid } = stance.process('gateway');
      process.kill(pid, 'SIGSTOP');
      try {
        const { state } = await stance.manager.streams.info(STREAMS.REVOCATIONS.name);
        stance.change(1, (fleet, agent) => fleet.infect(agent));
        await revocationOlderThan(1_500, state.last_seq + 1);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    });
  }, 90_000);

  test('an outbreak, and a fleet that is no longer up to date', async () => {
    for (let device = 2; device < 40; device += 1) await stance.open(device, 'payroll');
    for (let device = 40; device < 70; device += 1) await stance.open(device, 'wiki');
    const alerts = [
      { alert: 'StanceMassRevocation', labels: { gateway: 'edge' } },
      { alert: 'StanceRevocationsHeldBack', labels: { gateway: 'edge' } },
    ];
    await expectToFire(alerts, () => {
      for (let device = 2; device < 40; device += 1) stance.change(device, (fleet, agent) => fleet.infect(agent));
      for (let device = 40; device < 70; device += 1) {
        stance.change(device, (fleet, agent) => fleet.update(agent, { isUpToDate: false }));
      }
    });
  }, 120_000);

  test('a stream that takes no more postures', async () => {
    const makeRoom = await stance.fill(STREAMS.POSTURE.name);
    const labels = { service: 'posture-store', event: 'agent.matched' };
    await expectToFire([{ alert: 'StanceConsumerLagGrowing', labels, withinMs: 60_000 }], async () => {
      for (const infected of [false, true, false]) {
        const before = (await stance.manager.streams.info(STREAMS.MATCHES.name)).state.last_seq;
        for (let device = 0; device < 70; device += 1) {
          stance.change(device, (fleet, agent) => (infected ? fleet.infect(agent) : fleet.clean(agent)));
        }
        const matched = async () =>
          (await stance.manager.streams.info(STREAMS.MATCHES.name)).state.last_seq > before + 30;
        await waitFor(matched, { what: 'the changes to be matched', timeoutMs: 20_000 });
      }
    });
    await makeRoom();
  }, 120_000);

  test('a trail near its limit, and then at it', async () => {
    const { config, state } = await stance.manager.streams.info(STREAMS.AUDIT.name);
    const storage = { alert: 'StanceStorageFilling', labels: { stream: STREAMS.AUDIT.name }, withinMs: 60_000 };
    await expectToFire([storage, { alert: 'StanceAuditWaiting', withinMs: 90_000 }], async () => {
      await stance.manager.streams.update(STREAMS.AUDIT.name, { ...config, max_bytes: Math.ceil(state.bytes * 1.05) });
      for (let device = 0; device < 70; device += 1) stance.change(device, (fleet, agent) => fleet.infect(agent));
    });
    await stance.manager.streams.update(STREAMS.AUDIT.name, config);
  }, 180_000);

  test('a new policy that no decision can follow, as their stream takes no more', async () => {
    const makeRoom = await stance.fill(STREAMS.DECISIONS.name);
    try {
      // Single messages are given up after 51 s, as dead letters; a review of the fleet is not.
      await expectToFire([{ alert: 'StanceEngineStandstill', withinMs: 120_000 }], () =>
        stance.publishPolicy(POLICY.replace('require: [clean]', 'require: [clean, current]')),
      );
    } finally {
      await makeRoom();
    }
  }, 150_000);

  test('a console that has answered with errors for two minutes', async () => {
    for (const alert of ['StanceSourceDegraded', 'StancePollStopped', 'StanceSweepStopped']) {
      await expectFiring({ alert, labels: { source: 'failing' }, withinMs: 150_000 });
      expect(await firing(alert, { source: 'office' })).toEqual([]);
    }
  }, 180_000);

  test('an engine that stands still, with nobody to take over', async () => {
    const alerts = [
      { alert: 'StanceTargetDown', labels: { job: 'stance-policy-engine' } },
      { alert: 'StanceLeaseNotHeld', labels: { lease: 'policy-engine' } },
      { alert: 'StanceEngineSilent', labels: { gateway: 'edge' }, withinMs: 60_000 },
      { alert: 'StanceGatewayUntrusted', labels: { gateway: 'edge' }, withinMs: 60_000 },
    ];
    await expectToFire(alerts, () => process.kill(stance.process('policy-engine').pid, 'SIGSTOP'));
    await stance.process('policy-engine').kill();
    await stance.spawn('policy-engine');
    await stance.process('policy-engine').reached('active', 60_000);
  }, 240_000);

  test('a policy in force that the engine cannot load', async () => {
    await expectToFire([{ alert: 'StancePolicyDoesNotLoad' }], async () => {
      await stance.process('policy-engine').kill();
      const revision = await stance.publishPolicy(POLICY.replace('require: [clean]', 'require: [cleen]'));
      await stance
        .publisher('policy-engine')
        .publish(PolicyActivated, { revision, outcome: 'active', errors: [] }, { id: 'alerts:active', cause: {} });
      await stance.spawn('policy-engine');
      await stance.process('policy-engine').reached('active', 60_000);
    });
  }, 120_000);

  test('policies that no policy admin signed: one in force, one that is published', async () => {
    const forged = (severity: string) => ({ alert: 'StancePolicyForged', labels: { severity } });
    await expectToFire([forged('critical')], async () => {
      await stance.process('policy-engine').kill();
      await stance.spawn('policy-engine', await stance.signedPoliciesOnly());
    });
    await expectToFire([forged('warning')], () => stance.publishPolicy(POLICY));
  }, 120_000);

  test('a forged record in the trail, and a stream that was deleted', async () => {
    const gaps = { alert: 'StanceAuditGaps', labels: { stream: STREAMS.SOURCES.name } };
    await expectToFire([{ alert: 'StanceAuditVerificationFailed' }, gaps], async () => {
      const { name } = STREAMS.SOURCES;
      const trail = STREAMS.AUDIT.name;
      const genuine = await stance.manager.streams.getMessage(trail, { last_by_subj: filterOf(AuditRecorded) });
      await jetstream(stance.connection).publish(
        genuine?.subject ?? '',
        genuine?.string().replace('"position":', '"position":1') ?? '',
      );
      const { config } = await stance.manager.streams.info(name);
      await stance.manager.streams.delete(name);
      await stance.manager.streams.add(config);
    });
  }, 90_000);

  describe('after all of these,', () => {
    test('each alert has fired, but for those that say why they did not', async () => {
      const all = (await readRules(RULES_FILE)).flatMap(({ alert, labels }) =>
        alert === undefined ? [] : [`${alert} ${labels?.['severity'] ?? 'none'}`],
      );
      expect([...new Set(all)].filter((one) => !fired.has(one)).toSorted()).toEqual([...NOT_FIRED_HERE.keys()]);
    });

    test('the services have told every metric that a rule uses, and none that is not documented', async () => {
      const told = (await prometheus.metricNames()).map((name) => name.replace(/_(?:bucket|count|sum)$/, ''));
      // Missing facts would take more than 64 reports while audit is down; a stream that was made anew is their like.
      const untold = ['stance_audit_missing_total'];
      const used = (await readRules(RULES_FILE))
        .flatMap(({ expr }) => metricsIn(expr))
        .filter((name) => name.startsWith('stance_'));
      expect(used.filter((name) => !told.includes(name) && !untold.includes(name))).toEqual([]);
      const documented = await documentedMetrics();
      expect(told.filter((name) => name.startsWith('stance_') && !documented.has(name))).toEqual([]);
    });
  });
});
