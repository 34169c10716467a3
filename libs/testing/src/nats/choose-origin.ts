import { whyNotDocker } from './docker-daemon.js';

/** What runs the server of a spec file. */
export type TestNatsOrigin = 'NATS_URL' | 'docker' | 'binary';

export interface ChosenOrigin {
  readonly origin: TestNatsOrigin;
  readonly because: string;
}

/** The `nats` image for tests; STANCE_TEST_NATS_IMAGE names another. */
export function testNatsImage(environment: NodeJS.ProcessEnv): string {
  return environment['STANCE_TEST_NATS_IMAGE'] || 'nats:2.15.1';
}

/** Thrown for a value of STANCE_TEST_NATS that means nothing. */
export class UnknownTestNatsError extends Error {
  override readonly name = 'UnknownTestNatsError';

  constructor(value: string) {
    super(`STANCE_TEST_NATS is "${value}": set it to "docker" or "binary", or leave it out to let the tests choose.`);
  }
}

/** NATS_URL if it is set, else what STANCE_TEST_NATS asks for, else Docker where it can run the image, else the binary. */
export async function chooseOrigin(
  environment: NodeJS.ProcessEnv,
  { dockerAnswersWithinMs }: { dockerAnswersWithinMs?: number } = {},
): Promise<ChosenOrigin> {
  if (environment['NATS_URL']) return { origin: 'NATS_URL', because: 'NATS_URL is set' };
  const wanted = environment['STANCE_TEST_NATS'] ?? '';
  if (wanted === 'binary' || wanted === 'docker') return { origin: wanted, because: 'STANCE_TEST_NATS asks for it' };
  if (wanted !== '') throw new UnknownTestNatsError(wanted);
  const obstacle = await whyNotDocker(testNatsImage(environment), environment, dockerAnswersWithinMs);
  if (obstacle === undefined)
    return { origin: 'docker', because: 'a Docker daemon answers and the image is to be had' };
  return { origin: 'binary', because: obstacle };
}
