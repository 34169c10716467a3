import { GatewayProcess } from './gateway-process.js';

/** What a gateway runs on: the configuration, by file name, with the ports of the test already in it. */
export interface GatewayFiles {
  /** The binary, as {@link findGateway} found it. */
  readonly binary: string;
  /** By path below the folder that it runs in; the main one's name is said by each `start`. */
  readonly files: Readonly<Record<string, string>>;
  /** Where it has to listen, on loopback. */
  readonly ports: readonly number[];
  /** What the configuration reads of the environment. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** Runs nginx on `nginx.conf`: what stands inside `http` there; paths count from its folder. */
export function startNginx({ files, ...rest }: GatewayFiles): Promise<GatewayProcess> {
  const { 'nginx.conf': http = '', ...others } = files;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path temporary-${kind};`)
    .join('\n');
  const main = `daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log stderr notice;
events {}
http {
  access_log off;
${temporary}
${http}
}
`;
  return GatewayProcess.start({
    ...rest,
    files: { ...others, 'nginx.conf': main },
    // Prefix and configuration by relative paths: all others count from them.
    arguments: ['-p', '.', '-c', 'nginx.conf'],
  });
}

/** Runs Caddy on `Caddyfile`. */
export function startCaddy(gateway: GatewayFiles): Promise<GatewayProcess> {
  return GatewayProcess.start({ ...gateway, arguments: ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'] });
}

/** Runs HAProxy on `haproxy.cfg`. */
export function startHaproxy(gateway: GatewayFiles): Promise<GatewayProcess> {
  return GatewayProcess.start({ ...gateway, arguments: ['-db', '-f', 'haproxy.cfg'] });
}

/** Runs Envoy on `envoy.yaml`. */
export function startEnvoy(gateway: GatewayFiles): Promise<GatewayProcess> {
  return GatewayProcess.start({
    ...gateway,
    arguments: ['-c', 'envoy.yaml', '--concurrency', '1', '--disable-hot-restart', '--log-level', 'warning'],
  });
}

/** Runs Traefik on `traefik.yml`. */
export function startTraefik(gateway: GatewayFiles): Promise<GatewayProcess> {
  return GatewayProcess.start({ ...gateway, arguments: ['--configFile=traefik.yml'] });
}
