import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checks, type Check } from './checks.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const CONFIGURATION = [
  '.dependency-cruiser.mjs',
  '.oxlintrc.json',
  '.prettierignore',
  '.prettierrc.json',
  'knip.json',
  'nx.json',
  'tsconfig.base.json',
  'tsconfig.spec.json',
];
const ROOMS = [
  'libs/contracts',
  'libs/policy',
  'libs/jetstream',
  'libs/nats-server',
  'libs/simulators',
  'libs/testing',
  'services/all-in-one',
  'services/audit',
  'services/gateway',
  'deploy/local',
  'test/e2e',
  'examples/gateway-node',
];

/** The scripts that write and compare the generated documents; here they find nothing wrong. */
const GENERATORS = checks
  .filter(({ name }) => name === 'documents')
  .flatMap(({ commands }) => commands.flat().filter((word) => word.endsWith('.mjs')));

/** How a check ended on a small checkout. */
export interface CheckOutcome {
  readonly passed: boolean;
  readonly output: string;
}

/** A small checkout in a temporary folder, under the real lint configuration, in which a spec can misbehave. */
export class SmallCheckout {
  readonly #root = mkdtempSync(join(tmpdir(), 'stance-lint-'));

  /** @param files Text by path, beside what makes up an empty checkout of a few rooms. */
  constructor(files: Readonly<Record<string, string>>) {
    for (const file of CONFIGURATION) cpSync(join(ROOT, file), join(this.#root, file));
    cpSync(join(ROOT, 'deploy/lint'), join(this.#root, 'deploy/lint'), {
      recursive: true,
      filter: (path) => !path.endsWith('.ts'),
    });
    this.#linkPackages();
    this.write(
      'package.json',
      json({
        name: 'small',
        private: true,
        type: 'module',
        workspaces: ROOMS,
        devDependencies: { 'dependency-cruiser': '*', typescript: '*' },
      }),
    );
    this.write('package-lock.json', json({ name: 'small', lockfileVersion: 3, packages: {} }));
    for (const room of ROOMS) this.#addRoom(room);
    for (const script of GENERATORS) this.write(script, 'process.exitCode = 0;\n');
    for (const [path, text] of Object.entries(files)) this.write(path, text);
  }

  write(path: string, text: string): void {
    const target = join(this.#root, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }

  /** Runs all commands of a check here, one after the other, until one fails. */
  run(...checks: readonly Check[]): CheckOutcome {
    let output = '';
    for (const [program = '', ...args] of checks.flatMap((check) => check.commands)) {
      const run = spawnSync(program, args, {
        cwd: this.#root,
        encoding: 'utf8',
        env: {
          PATH: [join(ROOT, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
          HOME: this.#root,
          NX_DAEMON: 'false',
          NX_TUI: 'false',
          NO_COLOR: '1',
        },
      });
      output += run.stdout + run.stderr;
      if (run.status !== 0) return { passed: false, output };
    }
    return { passed: true, output };
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  #linkPackages(): void {
    mkdirSync(join(this.#root, 'node_modules/@stance'), { recursive: true });
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      if (name === '@stance' || name.startsWith('.')) continue;
      symlinkSync(join(ROOT, 'node_modules', name), join(this.#root, 'node_modules', name));
    }
  }

  #addRoom(room: string): void {
    const name = `@stance/${basename(room)}`;
    const exports = { '@stance/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' };
    this.write(
      `${room}/package.json`,
      json({
        name,
        version: '0.1.0',
        private: true,
        type: 'module',
        exports: { '.': exports },
        scripts: { build: 'tsc -p tsconfig.json' },
      }),
    );
    this.write(
      `${room}/tsconfig.json`,
      json({
        extends: '../../tsconfig.base.json',
        compilerOptions: { rootDir: 'src', outDir: 'dist' },
        include: ['src'],
        exclude: ['src/**/*.spec.ts'],
      }),
    );
    this.write(`${room}/src/index.ts`, `export const here = '${room}';\n`);
    symlinkSync(join(this.#root, room), join(this.#root, 'node_modules', name));
  }
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
