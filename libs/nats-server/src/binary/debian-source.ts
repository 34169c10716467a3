import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { debianMirrors, sourceStanza, type DebianMirror, type SourcesFile } from './debian-mirrors.js';
import { SourceFailedError } from './errors.js';
import { runCommand } from './run-command.js';

/** Debian releases that carry a modern nats-server, in the order they are asked. */
const suites = ['sid', 'forky'] as const;

const aptFolder = '/etc/apt';

/**
 * Downloads nats-server from the configured Debian mirror into `folder` and unpacks it; returns the binary's path.
 * apt works on state of its own below `folder` (no root, nothing on the system changes) and checks the signatures.
 */
export async function fetchFromDebianMirror(folder: string, onProgress: (line: string) => void): Promise<string> {
  if (process.platform !== 'linux') throw new SourceFailedError('this is not Linux');
  const mirrors = debianMirrors(await configuredSources(), await releaseCodename());
  if (mirrors.length === 0) throw new SourceFailedError(`no Debian mirror is configured in ${aptFolder}`);
  const failures: string[] = [];
  for (const mirror of mirrors) {
    for (const suite of suites) {
      onProgress(`asking the configured Debian mirror for nats-server (${suite})`);
      try {
        return await fetchFromSuite(join(folder, `${mirrors.indexOf(mirror)}-${suite}`), mirror, suite, onProgress);
      } catch (error) {
        if (!(error instanceof SourceFailedError)) throw error;
        failures.push(`${suite}: ${error.message}`);
      }
    }
  }
  throw new SourceFailedError(failures.join('; '));
}

async function fetchFromSuite(
  folder: string,
  mirror: DebianMirror,
  suite: string,
  onProgress: (line: string) => void,
): Promise<string> {
  const environment = await privateAptState(folder, sourceStanza(mirror, suite));
  const apt = (args: readonly string[]): Promise<string> =>
    runCommand('apt-get', args, { cwd: folder, environment, timeoutMs: 180_000 });
  await apt(['--quiet=2', '-o', 'APT::Update::Error-Mode=any', 'update']);
  onProgress(`downloading nats-server from Debian ${suite}`);
  await apt(['--quiet=2', 'download', 'nats-server']);
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new SourceFailedError('apt-get download left no package');
  const unpacked = join(folder, 'unpacked');
  await runCommand('dpkg-deb', ['-x', join(folder, archive), unpacked], { timeoutMs: 60_000 });
  for (const place of ['usr/sbin', 'usr/bin']) {
    if ((await namesIn(join(unpacked, place))).includes('nats-server')) return join(unpacked, place, 'nats-server');
  }
  throw new SourceFailedError(`the package ${archive} holds no nats-server`);
}

/** Files for an apt that reads and writes below `folder` only; proxies, credentials and trusted keys stay the system's. */
async function privateAptState(folder: string, stanza: string): Promise<NodeJS.ProcessEnv> {
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'sources']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await writeFile(join(folder, 'status'), '');
  await writeFile(join(folder, 'sources', 'nats-server.sources'), stanza);
  // Read after apt.conf.d: the system's hooks around `update` would touch the system's own cache.
  const hooksOff = [
    '#clear APT::Update::Pre-Invoke;',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
  ];
  await writeFile(join(folder, 'last.conf'), `${await systemConfiguration()}\n${hooksOff.join('\n')}\n`);
  const settings = {
    'Dir::State': join(folder, 'state'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': join(folder, 'sources'),
    'Dir::Etc::main': join(folder, 'last.conf'),
    // As root apt drops to a user that cannot enter a private folder; there is no root to protect otherwise.
    ...(process.getuid?.() === 0 ? { 'APT::Sandbox::User': 'root' } : {}),
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': '20',
    'Acquire::https::Timeout': '20',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled': 'false',
  };
  const configuration = join(folder, 'apt.conf');
  await writeFile(
    configuration,
    Object.entries(settings)
      .map(([key, value]) => `${key} "${value}";\n`)
      .join(''),
  );
  return { ...process.env, APT_CONFIG: configuration, LC_ALL: 'C' };
}

async function systemConfiguration(): Promise<string> {
  return (await textOf(join(aptFolder, 'apt.conf'))) ?? '';
}

async function configuredSources(): Promise<SourcesFile[]> {
  const parts = (await namesIn(join(aptFolder, 'sources.list.d'))).filter((name) => /\.(list|sources)$/.test(name));
  const names = ['sources.list', ...parts.toSorted().map((name) => join('sources.list.d', name))];
  const files = await Promise.all(names.map(async (name) => ({ name, text: await textOf(join(aptFolder, name)) })));
  return files.flatMap(({ name, text }) => (text === undefined ? [] : [{ name, text }]));
}

async function releaseCodename(): Promise<string | undefined> {
  const release = await textOf('/etc/os-release');
  return /^VERSION_CODENAME="?([\w-]+)"?$/m.exec(release ?? '')?.[1];
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(undefinedIfMissing);
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(undefinedIfMissing)) ?? [];
}

function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EACCES') return undefined;
  throw error;
}
