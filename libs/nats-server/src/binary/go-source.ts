import { join } from 'node:path';

import { binaryName } from './binary-cache.js';
import { SourceFailedError } from './errors.js';
import { runCommand } from './run-command.js';

/** Releases to build, the second for an older Go. */
const releases = ['2.15.1', '2.14.9'] as const;

/** Builds nats-server with the local Go into `folder` (a minute or two the first time) and returns the binary's path. */
export async function buildWithGo(folder: string, onProgress: (line: string) => void): Promise<string> {
  await runCommand('go', ['version'], { timeoutMs: 10_000 }).catch(() => {
    throw new SourceFailedError('there is no Go on this machine');
  });
  const failures: string[] = [];
  for (const release of releases) {
    onProgress(`building nats-server ${release} with Go, which takes a minute or two`);
    try {
      await runCommand('go', ['install', `github.com/nats-io/nats-server/v2@v${release}`], {
        environment: { ...process.env, GOBIN: folder, CGO_ENABLED: '0' },
        timeoutMs: 600_000,
      });
      return join(folder, binaryName);
    } catch (error) {
      if (!(error instanceof SourceFailedError)) throw error;
      failures.push(`${release}: ${error.message}`);
    }
  }
  throw new SourceFailedError(failures.join('; '));
}
