import { fileURLToPath } from 'node:url';

const root = new URL('../../../../', import.meta.url);

/** The absolute path of something in the repository. */
export function deployed(path: string): string {
  return fileURLToPath(new URL(path, root));
}

export const RULES_FILE = deployed('deploy/prometheus/stance.rules.yaml');
export const RULE_TESTS = deployed('deploy/prometheus/tests');
export const RUNBOOKS = deployed('docs/runbooks');
