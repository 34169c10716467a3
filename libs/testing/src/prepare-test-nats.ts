import { findNatsServer } from '@stance/nats-server';

import { chooseOrigin } from './nats/choose-origin.js';

/**
 * Decides once, before Jest's workers start, what runs the servers of the tests, and has a binary at hand if they need
 * one. The workers inherit the outcome through `environment`; returns one line that says it.
 */
export async function prepareTestNats(
  environment: NodeJS.ProcessEnv,
  onProgress: (line: string) => void,
): Promise<string> {
  const { origin, because } = await chooseOrigin(environment);
  if (origin === 'NATS_URL') return `tests use the server of NATS_URL`;
  environment['STANCE_TEST_NATS'] = origin;
  if (origin === 'docker') return `tests run nats-server in Docker (${because})`;
  const binary = await findNatsServer({ onProgress });
  environment['STANCE_NATS_SERVER'] = binary.path;
  return `tests run nats-server ${binary.version} from ${binary.path} (${because})`;
}
