import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, waitFor } from '@stance/testing';
import { AUTHORIZE_PATH } from './authorize-request.js';
import { RESOURCES } from './played-engine.js';

const execute = promisify(execFile);

/** From PATH. */
const NGINX = 'nginx';

/** nginx with the same small file behind one port for each way of asking whether to give it out. */
export interface Nginx {
  readonly version: string;
  readonly pid: number;
  readonly ports: { readonly alone: number; readonly stance: number; readonly opa: number };
  stop(): Promise<void>;
}

/** The version, or `undefined` where there is no nginx with `auth_request`. */
export async function nginxVersion(): Promise<string | undefined> {
  try {
    const { stderr } = await execute(NGINX, ['-V']);
    if (!stderr.includes('--with-http_auth_request_module')) return undefined;
    return /nginx\/(\S+)/.exec(stderr)?.[1];
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `opaPort` is where nothing listens if there is no OPA. */
export async function startNginx(
  folder: string,
  { version, gatewayPort, opaPort }: { version: string; gatewayPort: number; opaPort: number },
): Promise<Nginx> {
  const ports = { alone: await freePort(), stance: await freePort(), opa: await freePort() };
  await mkdir(join(folder, 'www'));
  await mkdir(join(folder, 'temporary'));
  await writeFile(join(folder, 'www', 'page.txt'), 'x'.repeat(1_024));
  const configuration = join(folder, 'nginx.conf');
  await writeFile(configuration, configurationOf(folder, ports, { gatewayPort, opaPort }));
  const child = spawn(NGINX, ['-p', folder, '-c', configuration, '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await waitFor(async () => (await fetch(`http://127.0.0.1:${ports.alone}/page.txt`)).ok, { what: 'nginx to answer' });
  return {
    version,
    pid: child.pid ?? 0,
    ports,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function configurationOf(
  folder: string,
  ports: Nginx['ports'],
  { gatewayPort, opaPort }: { gatewayPort: number; opaPort: number },
): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/temporary/${kind};`,
  );
  // One process does all: the processor time of this one is that of nginx.
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events { worker_connections 4096; }
http {
  ${temporary.join('\n  ')}
  access_log off;
  root ${folder}/www;
  open_file_cache max=16 inactive=1h;
  keepalive_requests 1000000000;
  upstream stance { server 127.0.0.1:${gatewayPort}; keepalive 64; keepalive_requests 1000000000; }
  upstream opa { server 127.0.0.1:${opaPort}; keepalive 64; keepalive_requests 1000000000; }
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Content-Length "";
  server { listen 127.0.0.1:${ports.alone}; }
  server {
    listen 127.0.0.1:${ports.stance};
    location / { auth_request /_ask; }
    location = /_ask {
      internal;
      proxy_pass http://stance${AUTHORIZE_PATH};
      proxy_pass_request_body off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_set_header X-Stance-Device $http_x_stance_device;
    }
  }
  server {
    listen 127.0.0.1:${ports.opa};
    location / { auth_request /_ask; }
    location = /_ask {
      internal;
      proxy_pass http://opa/v0/data/bench/allow;
      proxy_method POST;
      proxy_set_header Connection "";
      proxy_set_header Content-Type "application/json";
      proxy_set_body '{"device":"$http_x_stance_device","resource":"${RESOURCES[0]}"}';
    }
  }
}
`;
}
