// @ts-check
/**
 * What `npm run lint` checks. Each check is a list of commands, run in order until one fails; every command runs in
 * the root of the checkout with `node_modules/.bin` on its path.
 * @typedef {{ name: string, commands: string[][], repair: string }} Check
 */

/**
 * Runs before the others. The type-aware rules see other packages through their built declarations; without these a
 * promise of another package looks like nothing at all, and may float.
 * @type {Check}
 */
export const build = {
  name: 'build',
  commands: [['nx', 'run-many', '-t', 'build', '--outputStyle=static']],
  repair: 'tsc names the line.',
};

/** The longest first, so that two at a time end early. @type {readonly Check[]} */
export const checks = [
  { name: 'code', commands: [['oxlint']], repair: 'npx oxlint --fix mends some of it.' },
  { name: 'format', commands: [['prettier', '--check', '.']], repair: 'npm run format mends it.' },
  { name: 'types', commands: [['tsc', '-p', 'tsconfig.spec.json']], repair: 'tsc names the line.' },
  {
    name: 'dead-code',
    commands: [['knip', '--no-config-hints']],
    repair: 'Remove what nothing uses; list in package.json what is used.',
  },
  {
    name: 'boundaries',
    commands: [['depcruise', '--config', '.dependency-cruiser.mjs', 'libs', 'services', 'deploy', 'test', 'examples']],
    repair: 'deploy/lint/src/rooms.mjs says who may import whom.',
  },
  {
    name: 'documents',
    commands: [
      ['node', 'libs/contracts/generate-documents.mjs', '--check'],
      ['node', 'services/all-in-one/generate-documents.mjs', '--check'],
      ['node', 'deploy/grafana/generate.mjs', '--check'],
      ['node', 'deploy/helm/generate.mjs', '--check'],
    ],
    repair: 'npm run docs:generate writes them anew: commit what it changes.',
  },
  {
    name: 'lock',
    commands: [['node', 'deploy/lint/complete-lock.mjs', '--check']],
    repair: 'node deploy/lint/complete-lock.mjs adds the packages of other platforms.',
  },
];
