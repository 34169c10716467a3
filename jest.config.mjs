/** What `npm test` runs; `npm run test:deploy` runs the specs of what operators install, which need more tools. */
const roots =
  process.env['STANCE_TESTS'] === 'deploy'
    ? ['<rootDir>/test/deploy']
    : ['<rootDir>/libs', '<rootDir>/services', '<rootDir>/deploy', '<rootDir>/test/bench', '<rootDir>/test/e2e'];

/** Unit specs (`*.spec.ts`), specs that need a real nats-server (`*.nats.spec.ts`), end-to-end specs (`*.e2e.spec.ts`), and those that come last as they need the machine for themselves (`*.alone.spec.ts`). */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  roots,
  testMatch: ['**/src/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/.stance/', '<rootDir>/.nx/'],
  // Relative imports name the emitted file (`./x.js`), as Node wants; Jest runs the source beside it.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  // Other workspace packages resolve to their source through the `@stance/source` export condition.
  testEnvironmentOptions: { customExportConditions: ['@stance/source', 'node', 'import', 'default'] },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2023',
        },
        module: { type: 'es6' },
      },
    ],
  },
  globalSetup: '<rootDir>/libs/testing/src/jest.global-setup.mjs',
  testSequencer: '<rootDir>/libs/testing/src/jest.sequencer.mjs',
  // One more than CI has processors: for a third of their time, specs wait for leases, timers and servers.
  maxWorkers: 3,
  testTimeout: 60_000,
};
