// @ts-check
/**
 * The steps of `helm test`: a healthy device is let in at a gateway of the test's own, its agent is infected, its session is
 * revoked, the agent is cleaned, the device is let in again. Exits with 1 and says what to look at where a step does not come.
 * However it ends, it leaves the agent infected: the device stays in the inventory, and nothing asks about its agent any more.
 * Everything between the agent and the gateway is done by the services that run. Needs nothing but Node and the `stance` command.
 */
import { execFile } from 'node:child_process';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const LOOK_EVERY_MS = 100;
const {
  TEST_CONSOLE = '',
  TEST_AUTHORIZE = '',
  TEST_GATEWAY = '',
  TEST_RESOURCE = '',
  TEST_DEVICE = '',
  TEST_STEP_SECONDS = '60',
  TEST_STANCE = '/app/stance.mjs stance',
} = process.env;

/** A step that did not come in time: the message says where to look. */
class StepFailed extends Error {
  name = 'StepFailed';
}

/** What the gateway says of the device now; undefined while it does not answer. */
async function authorize() {
  try {
    const response = await fetch(`${TEST_AUTHORIZE}/${TEST_RESOURCE}`, {
      headers: { 'X-Stance-Device': TEST_DEVICE, accept: 'application/json' },
      signal: AbortSignal.timeout(5_000),
    });
    return { status: response.status, body: await response.text() };
  } catch {
    return undefined;
  }
}

/**
 * Resolves to the status of the console's answer; to nothing while it does not answer.
 * @param {'clean' | 'infected'} condition
 */
async function setCondition(condition) {
  try {
    const response = await fetch(`${TEST_CONSOLE}/condition/${condition}`, { method: 'PUT' });
    return response.ok ? response.status : undefined;
  } catch {
    return undefined;
  }
}

/** @param {'clean' | 'infected'} condition */
const condition = (condition) =>
  until(
    `the agent is ${condition}`,
    () => setCondition(condition),
    () => 'See the log of the container console.',
  );

/**
 * Looks until `found` finds something.
 * @template Found
 * @param {string} step
 * @param {() => Promise<Found | undefined>} found
 * @param {() => string} hint
 */
async function until(step, found, hint) {
  const from = performance.now();
  const limitMs = Number(TEST_STEP_SECONDS) * 1_000;
  for (;;) {
    const result = await found();
    const tookMs = Math.round(performance.now() - from);
    if (result !== undefined) {
      process.stdout.write(`ok    ${step} (after ${tookMs} ms)\n`);
      return result;
    }
    if (tookMs > limitMs) throw new StepFailed(`${step}: not within ${TEST_STEP_SECONDS} s. ${hint()}`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** @type {Awaited<ReturnType<typeof authorize>>} */
let last;
const lastAnswer = () => (last === undefined ? 'The gateway does not answer.' : `It says ${last.status}: ${last.body}`);

/** @param {number} status */
const answers = (status) => async () => {
  last = await authorize();
  return last?.status === status ? last : undefined;
};

/**
 * The session that was revoked since, as `stance sessions` tells it.
 * @param {number} since
 */
async function revokedSession(since) {
  const [program = '', ...words] = TEST_STANCE.split(' ');
  const filter = ['sessions', '--state', 'revoked', '--gateway', TEST_GATEWAY, '--device', TEST_DEVICE, '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...words, ...filter]);
  /** @type {{ revokedAt?: string, sessionId: string, reasons?: { code: string }[] }[]} */
  const sessions = JSON.parse(stdout);
  return sessions.find(({ revokedAt }) => revokedAt !== undefined && Date.parse(revokedAt) >= since);
}

async function run() {
  await condition('clean');
  await until(
    'the device is let in',
    answers(200),
    () => `${lastAnswer()} Are the device in the inventory, and its gateway and resource in the policy in force?`,
  );
  // Clocks of two machines: what is compared is rounded down generously, and older sessions are far older.
  const since = Date.now() - 5_000;
  await condition('infected');
  await until(
    'the device is kept out',
    answers(403),
    () => `${lastAnswer()} Does the policy's rule for the test's resource require sentinelOne:infected == false?`,
  );
  const { sessionId, reasons = [] } = await until(
    'its session is revoked',
    () => revokedSession(since),
    () => 'See `stance sessions` and the log of policy-engine.',
  );
  process.stdout.write(`      session ${sessionId}: ${reasons.map(({ code }) => code).join(', ')}\n`);
  await condition('clean');
  await until('the device is let in again', answers(200), lastAnswer);
}

/** Resolves once the gateway keeps the device out, so that the poller beside it is not ended before it has told. */
async function leaveInfected() {
  await condition('infected');
  await until('the device is left infected', answers(403), lastAnswer);
}

for (const part of [run, leaveInfected]) {
  try {
    await part();
  } catch (error) {
    process.stderr.write(`FAILED ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
