/** `always`, or a time such as `10s` or `2m`: how long an acknowledged write may wait for the disk. */
export type SyncInterval = 'always' | `${number}${'ms' | 's' | 'm'}`;

export interface ServerConfigValues {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly name: string;
  readonly storeDir: string;
  readonly portsFolder: string;
  /** Bytes. */
  readonly maxPayloadBytes: number;
  /** Undefined leaves the server's own default (2 minutes). */
  readonly syncInterval: SyncInterval | undefined;
  /** More configuration in the server's own syntax, appended as it is. */
  readonly serverConfig: string;
}

/** The configuration file of one nats-server with JetStream (syntax: NATS documentation, "Server configuration"). */
export function renderServerConfig(values: ServerConfigValues): string {
  const lines = [
    `server_name: ${quoted(values.name)}`,
    `host: ${quoted(values.host)}`,
    `port: ${values.port === 0 ? -1 : values.port}`,
    `ports_file_dir: ${quoted(values.portsFolder)}`,
    `max_payload: ${values.maxPayloadBytes}`,
    'jetstream {',
    `  store_dir: ${quoted(values.storeDir)}`,
    ...(values.syncInterval === undefined ? [] : [`  sync_interval: ${values.syncInterval}`]),
    '}',
    values.serverConfig,
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
