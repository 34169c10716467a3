import type { Socket } from 'node:net';
import { metrics } from '@opentelemetry/api';
import { reasonOf, type Access, type Admission, type NotAdmitted } from '../../access/access.js';
import type { Denial, Denials } from '../../access/denials.js';
import type { TcpRelay } from '../../file/relays.js';
import type { Identity, Prover } from '../../identity/identity.js';
import { addressOf, listen } from '../../listen.js';
import { proveInTime } from '../../prove-in-time.js';
import type { LiveConnection, LiveConnections } from '../live-connections.js';
import { reset } from '../reset.js';
import { arrivalServer, type Arrival, type ArrivalServer } from './arrivals.js';
import { carry } from './carry.js';
import { dismiss } from './dismiss.js';
import { readListenerTls } from '../../listener-tls.js';
import { DEFAULT_LIMITS, TcpRelayFull, type TcpRelayLimits } from './limits.js';
import { connectUpstream, UpstreamUnreachable } from './upstream.js';

export interface TcpRelayServerOptions {
  readonly relay: TcpRelay;
  /** Path of the CAs of the devices (`device.certificate.ca`): with it and TLS, clients are asked for a certificate. */
  readonly deviceCa?: string | undefined;
  readonly prover: Prover;
  readonly access: Pick<Access, 'admit'>;
  readonly live: LiveConnections;
  readonly denials: Pick<Denials, 'record'>;
  /** A client was sent away; TCP has no page, so the log is where its denial is told. */
  readonly onDenied: (denial: Denial, peerAddress: string | undefined) => void;
  /** Something failed, and a client was sent away for it. */
  readonly onError: (error: unknown) => void;
  /** Default: {@link DEFAULT_LIMITS}. */
  readonly limits?: Partial<TcpRelayLimits>;
}

/** Carries TCP connections of admitted devices to one upstream, and cuts them. Nothing is carried before a device is let in. */
export class TcpRelayServer {
  readonly name = 'relaying TCP';
  private readonly limits: TcpRelayLimits;
  private listener: ArrivalServer | undefined;
  private isFull = false;
  private isUpstreamDown = false;
  private readonly counted = metrics.getMeter('@stance/gateway').createCounter('stance.gateway.tcp.connections', {
    description: 'Connections to TCP relays by outcome',
    unit: '{connection}',
  });

  constructor(private readonly options: TcpRelayServerOptions) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  /** Where it listens, as in `127.0.0.1:2222`; undefined before {@link start} and after {@link close}. */
  get address(): string | undefined {
    return this.listener && addressOf(this.listener.server);
  }

  /** The same, for the log. */
  get url(): string | undefined {
    return this.listener && `tcp://${addressOf(this.listener.server)}`;
  }

  /** Throws ListenFailed or ListenerTlsUnusable. */
  async start(): Promise<void> {
    const { relay, deviceCa, onError } = this.options;
    const tls = relay.listen.tls && readListenerTls(relay.listen.tls, deviceCa);
    const listener = arrivalServer(tls, this.limits, (arrival) => void this.serve(arrival));
    const { server } = listener;
    server.maxConnections = this.limits.maxConnections;
    server.on('connection', () => (this.isFull = false));
    server.on('drop', () => this.tellFull());
    await listen(server, relay.listen, 'tcp[].listen');
    server.on('error', onError);
    this.listener = listener;
  }

  /** Takes no more connections, and ends all that there are. */
  async close(): Promise<void> {
    const { listener } = this;
    if (listener === undefined) return;
    this.listener = undefined;
    await new Promise<void>((resolve) => {
      listener.server.close(() => resolve());
      listener.transports.resetAll();
    });
  }

  private tellFull(): void {
    this.counted.add(1, { outcome: 'dropped', resource: this.options.relay.resource });
    if (this.isFull) return;
    this.isFull = true;
    this.options.onError(new TcpRelayFull(`${this.address} has its ${this.limits.maxConnections} connections`));
  }

  private async serve(arrival: Arrival): Promise<void> {
    const gone = new AbortController();
    arrival.socket.on('error', () => undefined);
    arrival.socket.once('close', () => gone.abort());
    try {
      const identity = await this.prove(arrival);
      // No session is opened for a client that is not there any more.
      if (gone.signal.aborted) return;
      const admission = this.admit(identity);
      this.counted.add(1, { outcome: admission.outcome, resource: this.options.relay.resource });
      // Nothing may come between: a session that is revoked in the meantime would cut nothing.
      if (admission.outcome === 'admitted') await this.carry(arrival, admission.grantId, gone);
      else this.deny(arrival, admission);
    } catch (error) {
      this.tell(error);
      dismiss(arrival);
    }
  }

  /** An upstream that is down is told of once, until it answers again. */
  private tell(error: unknown): void {
    const isDown = error instanceof UpstreamUnreachable;
    if (!(isDown && this.isUpstreamDown)) this.options.onError(error);
    this.isUpstreamDown ||= isDown;
  }

  private async prove({ peerAddress, certificate }: Arrival): Promise<Identity> {
    const { prover, onError } = this.options;
    const evidence = { rawHeaders: [], peerAddress, isFromListedProxy: false, connectionCertificate: certificate };
    try {
      return await proveInTime(prover, evidence, this.limits.proofTimeoutMs);
    } catch (error) {
      onError(error);
      return { outcome: 'refused', reasons: [reasonOf('evaluation-error', 'The gateway could not prove the device.')] };
    }
  }

  private admit(identity: Identity): Admission {
    const { access, relay, onError } = this.options;
    try {
      return access.admit(identity, relay.resource, { enforcement: 'cut' });
    } catch (error) {
      onError(error);
      const reasons = [reasonOf('evaluation-error', 'The gateway could not decide.')];
      return { outcome: 'denied', asker: {}, reasons };
    }
  }

  private deny(arrival: Arrival, { asker, reasons }: NotAdmitted): void {
    const { denials, onDenied, relay } = this.options;
    onDenied(denials.record({ ...asker, resource: relay.resource }, reasons), arrival.peerAddress);
    dismiss(arrival);
  }

  private async carry(arrival: Arrival, grantId: string, gone: AbortController): Promise<void> {
    const { live, relay } = this.options;
    let upstream: Socket | undefined;
    const connection: LiveConnection = {
      cut: () => {
        gone.abort();
        arrival.reset();
        if (upstream !== undefined) reset(upstream);
      },
    };
    live.add(grantId, connection);
    try {
      upstream = await connectUpstream(relay.upstream, this.limits, gone.signal);
      if (upstream === undefined) return;
      this.isUpstreamDown = false;
      await carry(arrival, upstream, this.limits.halfOpenMs);
    } finally {
      live.closed(connection);
    }
  }
}
