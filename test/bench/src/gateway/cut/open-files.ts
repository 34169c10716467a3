import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** How many files and sockets a process may have open: Node raises its own limit to the hard one when it starts. */
export async function mostOpenFiles(): Promise<number> {
  const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -Hn']);
  return stdout.trim() === 'unlimited' ? Number.POSITIVE_INFINITY : Number(stdout);
}
