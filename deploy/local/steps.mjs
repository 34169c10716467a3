import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** A step that failed for a reason the reader can act on; shown without a stack trace. */
export class StepFailedError extends Error {}

/** The user asked to stop (Ctrl-C, kill, closed terminal). */
export class StoppedError extends Error {
  constructor(signal) {
    super(`stopped by ${signal}`);
    this.exitCode = 128 + (constants.signals[signal] ?? 0);
  }
}

export function say(line) {
  process.stderr.write(`${line}\n`);
}

const stopSignals = process.platform === 'win32' ? ['SIGINT', 'SIGTERM'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];
let stoppedBy;
let current;

/** Runs a start script: signals reach the running step, and every end has one clear message and the right exit code. */
export async function runSteps(steps) {
  for (const signal of stopSignals) {
    process.on(signal, () => {
      stoppedBy = signal;
      // In a terminal the step gets Ctrl-C too; the programs here take a second one as "now", so only kill is passed on.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) current?.kill(signal);
    });
  }
  try {
    process.exitCode = await steps();
  } catch (error) {
    if (error instanceof StoppedError) {
      say(error.message);
      process.exitCode = error.exitCode;
    } else if (error instanceof StepFailedError) {
      say(error.message);
      process.exitCode = 1;
    } else {
      throw error;
    }
  }
}

/**
 * Runs one program to its end. With `quiet` its output is kept and returned, else it goes to the terminal.
 * Returns { exitCode, output }; throws StoppedError when the user stopped it on the way.
 */
export async function runProgram(command, args, { quiet = false, endsOnSignal = false, ...options } = {}) {
  if (stoppedBy !== undefined) throw new StoppedError(stoppedBy);
  const child = spawn(command, args, { ...options, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
  current = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (output += text));
  const exitCode = await new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new StepFailedError(`${command} did not start: ${error.message}`)));
    child.once('close', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
  current = undefined;
  // A program that shuts down by itself on a signal has the last word on the exit code; a set-up step has not.
  if (stoppedBy !== undefined && !endsOnSignal) throw new StoppedError(stoppedBy);
  return { exitCode, output };
}
