import { spawn } from 'node:child_process';

import { SourceFailedError } from './errors.js';

export interface CommandOptions {
  readonly cwd?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Milliseconds after which the command is killed. */
  readonly timeoutMs: number;
}

/** Runs a command to its end and returns its standard output; throws {@link SourceFailedError} with the last error lines. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.environment ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', (error) => reject(new SourceFailedError(`${command} did not start (${error.message})`)));
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(stdout);
      const ended = signal === null ? `ended with ${code}` : `was ended by ${signal} (limit ${options.timeoutMs} ms)`;
      reject(new SourceFailedError([`${command} ${ended}`, lastLines(stderr || stdout)].filter(Boolean).join(': ')));
    });
  });
}

function lastLines(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.slice(-3).join(' | ');
}
