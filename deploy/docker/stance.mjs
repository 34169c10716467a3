// @ts-check
/** What the image starts: one service, or a command of `stance`. Exits with 2 when neither is named. */
import { constants } from 'node:os';

import { chooseWork, NothingToRun } from './src/work.mjs';

/** Where the programs are: this file lies in the root of the image's product folder. */
const PROGRAMS = new URL('./services/', import.meta.url);

const work = choose();
if (work !== undefined) {
  endOnEarlySignals(work.kind === 'service');
  if (work.kind === 'service') {
    const folder = work.name === 'all' ? 'all-in-one' : work.name;
    await import(new URL(`${folder}/dist/main.js`, PROGRAMS).href);
  } else {
    process.argv.splice(2, Infinity, ...work.words);
    await import(new URL('cli/bin/stance.mjs', PROGRAMS).href);
  }
}

function choose() {
  try {
    return chooseWork(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof NothingToRun)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
    return undefined;
  }
}

/**
 * A process that is PID 1 ignores the signals that it has no listener for. Until the program has its own, and where it
 * never has one, a signal ends it here.
 *
 * @param {boolean} isService a service that has not begun has nothing left to settle: it has stopped, with 0
 */
function endOnEarlySignals(isService) {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(isService ? 0 : 128 + constants.signals[signal]);
    });
  }
}
