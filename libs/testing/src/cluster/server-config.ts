/** What the servers of a cluster share, and what each of them has of its own. Paths are those of PEM files. */
export interface ClusterConfigValues {
  /** Accounts and users, as `stance nats-auth generate` writes them. */
  readonly authConfig: string;
  readonly caFile: string;
  /** Shown to clients. */
  readonly server: CertificateFiles;
  /** Shown to the other servers, which are asked for theirs. */
  readonly route: CertificateFiles;
  readonly routePort: number;
  /** Of all servers: one that finds itself among them leaves itself out. */
  readonly routePorts: readonly number[];
}

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * What makes a server one of a cluster whose connections are all encrypted. The lame duck duration is the shortest that
 * nats-server takes; with few clients it is over much earlier, as each leaves a second after the other.
 */
export function renderClusterConfig(values: ClusterConfigValues): string {
  return `
tls {
  cert_file: ${quoted(values.server.certFile)}
  key_file: ${quoted(values.server.keyFile)}
  ca_file: ${quoted(values.caFile)}
}
cluster {
  name: stance-test
  host: 127.0.0.1
  port: ${values.routePort}
  tls {
    cert_file: ${quoted(values.route.certFile)}
    key_file: ${quoted(values.route.keyFile)}
    ca_file: ${quoted(values.caFile)}
    verify: true
  }
  routes: [${values.routePorts.map((port) => quoted(`tls://127.0.0.1:${port}`)).join(', ')}]
}
lame_duck_grace_period: 1s
lame_duck_duration: 30s
${values.authConfig}`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
