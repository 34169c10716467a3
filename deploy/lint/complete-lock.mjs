/**
 * Adds to package-lock.json the optional platform packages that the registry at hand does not carry.
 *
 * npm leaves an optional dependency that it cannot find out of the lock, and `npm ci` then refuses the lock, on every
 * platform. Their names and exact versions are known all the same: the package that asks for them pins both. An entry
 * made here has no integrity; npm skips it on other platforms and fetches it where it is wanted.
 *
 * Run it after `npm install`; `--check` only tells, with exit code 1, whether something is missing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('../../package-lock.json', import.meta.url));
const lock = JSON.parse(readFileSync(file, 'utf8'));

const OS = ['darwin', 'linux', 'win32', 'freebsd', 'openharmony', 'android', 'aix', 'sunos'];
const CPU = ['arm64', 'x64', 'arm', 'ia32', 'ppc64', 's390x', 'riscv64', 'loong64', 'wasm32'];

/** What the last parts of a platform package's name say: `nx-linux-arm64-musl` is linux, arm64, musl. */
function platformOf(name) {
  const parts = name.split(/[/-]/);
  const os = OS.find((one) => parts.includes(one));
  const cpu = CPU.find((one) => parts.includes(one));
  const libc = parts.some((part) => part.startsWith('musl'))
    ? 'musl'
    : parts.some((part) => part.startsWith('gnu'))
      ? 'glibc'
      : undefined;
  return { ...(cpu && { cpu: [cpu] }), ...(libc && os === 'linux' && { libc: [libc] }), ...(os && { os: [os] }) };
}

/** Whether a package at `path` would find `name`: in its own node_modules, or in those of a folder above. */
function isLocked(path, name) {
  const parents = path
    .split('/node_modules/')
    .map((_, index, parts) => parts.slice(0, index + 1).join('/node_modules/'));
  return ['', ...parents].some((parent) => `${parent === '' ? '' : `${parent}/`}node_modules/${name}` in lock.packages);
}

const missing = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (!isLocked(path, name) && /^\d/.test(version)) missing.push({ path: `node_modules/${name}`, name, version });
  }
}

if (process.argv.includes('--check')) {
  for (const { name, version } of missing)
    process.stderr.write(`package-lock.json lacks ${name}@${version}: run node deploy/lint/complete-lock.mjs\n`);
  process.exitCode = missing.length > 0 ? 1 : 0;
} else {
  for (const { path, name, version } of missing) {
    lock.packages[path] = { version, optional: true, ...platformOf(name) };
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`${missing.length} packages of other platforms added\n`);
}
