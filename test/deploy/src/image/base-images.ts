import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { findNatsServer } from '@stance/nats-server';
import { temporaryFolder } from '@stance/testing';

import { makeImage, type LocalImage } from './local-image.js';

const run = promisify(execFile);

/** Stand-ins of the images that a registry would give, by the names under which they are made here. */
export const LOCAL = {
  build: 'stance-test-node-build:local',
  runtime: 'stance-test-node:local',
  nats: 'stance-test-nats:local',
} as const;

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const NPM = '/usr/local/lib/node_modules/npm';
const PASSWD = 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n';

/** As distroless has it: Node, the libraries that it is linked to, certificate authorities; no shell, nothing else. */
const RUNTIME: LocalImage = {
  programs: { '/usr/local/bin/node': process.execPath },
  files: [CERTIFICATES],
  texts: { '/etc/passwd': PASSWD },
  instructions: ['ENV PATH=/usr/local/bin:/usr/bin:/bin', 'ENTRYPOINT ["node"]'],
};

/** Node, npm, and a shell for its scripts; the libraries are those that compilers of npm packages load. */
const BUILD: Omit<LocalImage, 'packages'> = {
  ...RUNTIME,
  programs: { ...RUNTIME.programs, '/bin/sh': '/bin/sh', '/usr/bin/env': '/usr/bin/env' },
  libraries: ['libutil.so.1', 'librt.so.1', 'libresolv.so.2'],
  links: {
    '/usr/local/bin/npm': `${NPM}/bin/npm-cli.js`,
    '/usr/local/bin/npx': `${NPM}/bin/npx-cli.js`,
  },
  instructions: ['ENV PATH=/usr/local/bin:/usr/bin:/bin', `ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`],
};

/** Makes those of the build from the Node that runs this and an npm of the registry. */
export async function makeBaseImages(): Promise<void> {
  const folder = await temporaryFolder();
  try {
    await run('npm', ['pack', 'npm@^11', '--silent', '--pack-destination', folder.path], { timeout: 60_000 });
    const [npm = ''] = await readdir(folder.path);
    await Promise.all([
      makeImage(LOCAL.build, { ...BUILD, packages: { [NPM]: join(folder.path, npm) } }),
      makeImage(LOCAL.runtime, RUNTIME),
    ]);
  } finally {
    await folder.remove();
  }
}

/** Makes one of the nats-server that the other tests use. */
export async function makeNatsImage(): Promise<void> {
  const { path } = await findNatsServer();
  await makeImage(LOCAL.nats, {
    programs: { '/nats-server': path },
    files: [CERTIFICATES],
    instructions: ['ENV PATH=/', 'ENTRYPOINT ["nats-server"]'],
  });
}
