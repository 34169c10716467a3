/** Thrown when another process listens on the wanted port. */
export class PortInUseError extends Error {
  override readonly name = 'PortInUseError';

  constructor(
    readonly host: string,
    readonly port: number,
  ) {
    super(
      `Port ${port} on ${host} is in use, so nats-server cannot listen there. ` +
        'Stop the program that uses it, or choose another port (0 takes a free one).',
    );
  }
}

/** Thrown when a running nats-server works on the store folder already; two would destroy each other's data. */
export class StoreInUseError extends Error {
  override readonly name = 'StoreInUseError';

  constructor(
    readonly storeDir: string,
    readonly pid: number,
    lockFile: string,
  ) {
    super(
      `The data in ${storeDir} is in use by process ${pid}, probably another start of Stance. ` +
        `Stop that one first, or choose another folder; if it is no nats-server, remove ${lockFile}.`,
    );
  }
}

/** Thrown when nats-server ends before it is ready; carries its last log lines. */
export class NatsServerExitedError extends Error {
  override readonly name = 'NatsServerExitedError';

  constructor(
    readonly how: string,
    readonly lastLogLines: readonly string[],
    configFile: string,
  ) {
    super(
      [
        `nats-server ended (${how}) before it was ready. Its last lines:`,
        ...lastLogLines.map((line) => `  ${line}`),
        `Its configuration is ${configFile}.`,
      ].join('\n'),
    );
  }
}

/** Thrown when nats-server does not answer with JetStream on before the deadline. */
export class NatsServerNotReadyError extends Error {
  override readonly name = 'NatsServerNotReadyError';

  constructor(
    readonly deadlineMs: number,
    readonly lastLogLines: readonly string[],
  ) {
    super(
      [
        `nats-server was not ready after ${deadlineMs} ms. A big store takes longer: raise readyTimeoutMs. Its last lines:`,
        ...lastLogLines.map((line) => `  ${line}`),
      ].join('\n'),
    );
  }
}
