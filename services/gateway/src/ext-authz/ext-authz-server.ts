import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { Server, ServerCredentials, status, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { traceparent } from '@stance/contracts';
import { reasonOf, type Access, type Admission, type NotAdmitted } from '../access/access.js';
import { denialAnswer } from '../access/denial-answer.js';
import type { Denials } from '../access/denials.js';
import { countAnswer } from '../answered.js';
import type { GatewayFile } from '../file/gateway-file.js';
import type { Prover } from '../identity/identity.js';
import { TrustedProxies } from '../identity/trusted-proxies.js';
import { addressOf, listen } from '../listen.js';
import { proveInTime } from '../prove-in-time.js';
import { authorizationService } from './authorization-service.js';
import { checkRequest, evidenceOf, headerNamesOf, headerOf, resourceOf, type CheckRequest } from './check-request.js';
import { allowed, denied, type CheckResponse } from './check-response.js';

export interface ExtAuthzServerOptions {
  readonly file: Pick<GatewayFile, 'trustedProxies' | 'device' | 'user'>;
  /** Where it listens: `grpc` of the file. */
  readonly grpc: NonNullable<GatewayFile['grpc']>;
  readonly prover: Prover;
  readonly access: Pick<Access, 'admit'>;
  readonly denials: Pick<Denials, 'record' | 'recordWarning'>;
  readonly onError: (error: unknown) => void;
  /** Milliseconds; default 10 s. */
  readonly proofTimeoutMs?: number;
}

/** Told when somebody connects who is no listed proxy: list it under trustedProxies, or find out who it is. */
export class StrangerConnected extends Error {
  override readonly name = 'StrangerConnected';
}

/** A request with its headers, in bytes; Envoy takes more for an error, and lets nobody in. */
const MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 1_000;
/** How often strangers are told of, at most. */
const STRANGERS_EVERY_MS = 10_000;

/**
 * Answers Envoy's `envoy.service.auth.v3.Authorization/Check`. Only listed proxies are talked to at all. Whatever goes wrong is
 * a denial.
 */
export class ExtAuthzServer {
  readonly name = 'answering Envoy';
  private readonly proxies: TrustedProxies;
  /** Headers that speak to the gateway: the upstream could mistake them for its own. */
  private readonly proofs: ReadonlySet<string>;
  /** Headers in which other proxies say what Envoy says itself; here they are Envoy's and the upstream's matter. */
  private readonly replaced: ReadonlySet<string>;
  private readonly sockets = new Set<Socket>();
  private running: { readonly listener: NetServer; readonly grpc: Server } | undefined;
  private strangerToldAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: ExtAuthzServerOptions) {
    const { trustedProxies, device, user } = options.file;
    this.proxies = new TrustedProxies(trustedProxies);
    this.proofs = namesIn([device.header?.name, device.token?.header, user.header?.name]);
    this.replaced = namesIn([device.certificate?.header?.name, device.address?.header]);
  }

  /** Where it listens, as in `127.0.0.1:9190`; undefined before {@link start} and after {@link close}. */
  get address(): string | undefined {
    return this.running && addressOf(this.running.listener);
  }

  /** The same, for the log. */
  get url(): string | undefined {
    return this.address && `grpc://${this.address}`;
  }

  /** Throws ListenFailed. */
  async start(): Promise<void> {
    const grpc = new Server({
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_concurrent_streams': 1_000,
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
    });
    grpc.addService(authorizationService, {
      Check: (call: ServerUnaryCall<unknown, CheckResponse>, callback: sendUnaryData<CheckResponse>) =>
        void this.check(call, callback),
    });
    const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
    const listener = createServer({ noDelay: true }, (socket) => {
      if (!this.proxies.has(socket)) return this.turnAway(socket);
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      injector.injectConnection(socket);
    });
    listener.maxConnections = MAX_CONNECTIONS;
    await listen(listener, this.options.grpc, 'grpc');
    listener.on('error', this.options.onError);
    this.running = { listener, grpc };
  }

  /** Takes no more requests, and ends every connection: Envoy asks again elsewhere, or denies. */
  async close(): Promise<void> {
    const { running } = this;
    if (running === undefined) return;
    this.running = undefined;
    await new Promise<void>((resolve) => {
      running.listener.close(() => resolve());
      running.grpc.forceShutdown();
      for (const socket of this.sockets) socket.destroy();
    });
  }

  private turnAway(socket: Socket): void {
    const from = socket.remoteAddress;
    socket.on('error', () => undefined);
    socket.destroy();
    const now = performance.now();
    if (now - this.strangerToldAt < STRANGERS_EVERY_MS) return;
    this.strangerToldAt = now;
    this.options.onError(new StrangerConnected(`${from} connected for gRPC and is not listed under trustedProxies`));
  }

  private async check(
    call: ServerUnaryCall<unknown, CheckResponse>,
    callback: sendUnaryData<CheckResponse>,
  ): Promise<void> {
    try {
      callback(null, await this.answer(call));
    } catch (error) {
      this.options.onError(error);
      callback({ code: status.INTERNAL, details: 'The gateway could not answer.' });
    }
  }

  private async answer(call: ServerUnaryCall<unknown, CheckResponse>): Promise<CheckResponse> {
    const { success, data: request } = checkRequest.safeParse(call.request);
    if (!success) return this.refuse(undecided('Envoy says nothing of the request.'), undefined);
    const accept = headerOf(request, 'accept');
    try {
      const admission = await this.admit(request, call);
      if (admission.outcome !== 'admitted') return this.refuse(admission, accept);
      countAnswer(admission);
      const warning = this.options.denials.recordWarning(admission);
      return allowed(admission, warning?.denialId, headerNamesOf(request), this.proofs);
    } catch (error) {
      this.options.onError(error);
      return this.refuse(undecided('The gateway could not decide.'), accept);
    }
  }

  private async admit(request: CheckRequest, call: ServerUnaryCall<unknown, CheckResponse>): Promise<Admission> {
    const { prover, access, proofTimeoutMs } = this.options;
    const identity = await proveInTime(prover, evidenceOf(request, this.replaced), proofTimeoutMs);
    // Envoy has given up, and denied: no session is opened.
    if (call.cancelled) return undecided('Envoy does not wait for the answer any more.');
    return access.admit(identity, resourceOf(request), {
      enforcement: 'next-request',
      traceparent: () => traceparent.safeParse(headerOf(request, 'traceparent')).data,
    });
  }

  private refuse(refusal: NotAdmitted, accept: string | undefined): CheckResponse {
    countAnswer(refusal);
    const denial = this.options.denials.record(refusal.asker, refusal.reasons);
    return denied(denialAnswer(denial, refusal.outcome, accept));
  }
}

function undecided(message: string): NotAdmitted {
  return { outcome: 'denied', asker: {}, reasons: [reasonOf('evaluation-error', message)] };
}

function namesIn(names: readonly (string | undefined)[]): ReadonlySet<string> {
  return new Set(names.filter((name) => name !== undefined));
}
