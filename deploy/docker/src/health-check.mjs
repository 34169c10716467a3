// @ts-check
import { get } from 'node:http';

import { chooseWork, SERVICE_PORTS } from './work.mjs';

/** Milliseconds for an answer; the image's HEALTHCHECK gives up a little later. */
const ANSWER_MS = 3_000;

/**
 * What to ask about the container's health: its service's health server, or nothing where a command runs.
 *
 * @param {string} commandLine of PID 1, as in `/proc/1/cmdline`: words that end with a zero byte
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @param {string} path `/readyz` or `/livez`
 * @returns {URL | undefined} Throws `NothingToRun`, or an error that says why the port cannot be known.
 */
export function healthUrl(commandLine, environment, path) {
  const words = commandLine.split('\0').slice(0, -1);
  const entry = words.findIndex((word) => word.endsWith('/stance.mjs'));
  const work = chooseWork(entry < 0 ? [] : words.slice(entry + 1), environment);
  if (work.kind === 'command') return undefined;
  const ports = /** @type {Readonly<Record<string, number>>} */ (SERVICE_PORTS);
  const port = environment['STANCE_HTTP_PORT'] || String(ports[work.name]);
  if (Number(port) === 0) throw new Error('STANCE_HTTP_PORT is 0, any free port: set one to have its health checked');
  return new URL(`http://${reachable(environment['STANCE_HTTP_HOST'] || '127.0.0.1')}:${port}${path}`);
}

/**
 * Asks for the health, whatever it is.
 *
 * @param {URL} url
 * @returns {Promise<{ healthy: boolean, said: string }>} `said`: the answer, or why there is none
 */
export function askHealth(url) {
  return new Promise((resolve) => {
    const request = get(url, { timeout: ANSWER_MS, agent: false }, (response) => {
      let said = '';
      response.setEncoding('utf8').on('data', (text) => (said += text));
      response.once('end', () => resolve({ healthy: response.statusCode === 200, said }));
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
    request.once('error', ({ message }) => resolve({ healthy: false, said: `${url.href}: ${message}` }));
  });
}

/**
 * A host to connect to for one to listen on.
 *
 * @param {string} host
 */
function reachable(host) {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
