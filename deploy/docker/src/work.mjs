// @ts-check

/** What a container of the image does: run a service, or a command of `stance`. */
/** @typedef {{ kind: 'service', name: string } | { kind: 'command', words: readonly string[] }} Work */

/** The port of `/readyz` of each service, unless `STANCE_HTTP_PORT` says otherwise (docs/configuration.md). */
export const SERVICE_PORTS = Object.freeze({
  'sentinelone-poller': 9101,
  'device-matcher': 9102,
  'posture-store': 9103,
  'policy-engine': 9104,
  audit: 9105,
  'config-sync': 9106,
  gateway: 9107,
  all: 9100,
});

/** The first words of the commands of `stance`, so that a misspelled service is not taken for one. */
export const COMMANDS = Object.freeze([
  'audit',
  'dead-letters',
  'device',
  'devices',
  'explain',
  'help',
  'hold',
  'match',
  'nats-auth',
  'policy',
  'sessions',
  'simulate',
  'sources',
  'status',
  'topology',
  'unmatched',
  'watch',
]);

/** Thrown when neither the arguments nor STANCE_SERVICE say what to run; the message lists what there is. */
export class NothingToRun extends Error {
  /** @param {string} problem */
  constructor(problem) {
    const services = Object.keys(SERVICE_PORTS).join(', ');
    super(`${problem}\nServices, as argument or STANCE_SERVICE: ${services}\nCommands: see stance --help`);
    this.name = 'NothingToRun';
  }
}

/**
 * What a container runs: its arguments, or without any the service of `STANCE_SERVICE`. The name of a service alone is that
 * service (`audit`); everything else is a command of `stance` (`audit verify`), with or without that word in front. Throws
 * {@link NothingToRun}.
 *
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @returns {Work}
 */
export function chooseWork(args, environment) {
  const [first, ...rest] = args;
  if (first === undefined) return serviceNamed(environment['STANCE_SERVICE'] ?? '');
  if (first === 'stance') return { kind: 'command', words: rest };
  if (rest.length === 0 && isService(first)) return { kind: 'service', name: first };
  if (first.startsWith('-') || COMMANDS.includes(first)) return { kind: 'command', words: args };
  if (isService(first)) throw new NothingToRun(`${first} takes no arguments; it is configured by the environment.`);
  throw new NothingToRun(`There is no service or command "${first}".`);
}

/**
 * @param {string} name
 * @returns {Work}
 */
function serviceNamed(name) {
  if (name === '') throw new NothingToRun('Nothing says what to run.');
  if (!isService(name)) throw new NothingToRun(`STANCE_SERVICE names no service: "${name}".`);
  return { kind: 'service', name };
}

/** @param {string} name */
function isService(name) {
  return Object.hasOwn(SERVICE_PORTS, name);
}
