import { missingRow, rowOf, tell, type Row } from '../rows.js';
import { measureAuthRequest, type AuthRequestFigures } from './auth-request.js';
import { measureAuthorize, type AuthorizeFigures } from './authorize.js';
import { measureCut, type CutFigures } from './cut/measure-cut.js';
import { measureDecisions, type DecisionFigures } from './decisions.js';
import { measureRelay, type RelayFigures } from './relay.js';

/** Everything about the reference gateway and the SDK in it. */
export interface GatewayFigures {
  readonly authorize?: AuthorizeFigures;
  readonly authRequest?: AuthRequestFigures | string;
  readonly cut?: CutFigures;
  readonly decisions?: DecisionFigures;
  readonly relay?: RelayFigures;
  readonly rows: readonly Row[];
}

export const GATEWAY_PARTS = ['authorize', 'nginx', 'cut', 'decisions', 'relay'] as const;
export type GatewayPart = (typeof GATEWAY_PARTS)[number];

/** Five minutes; one and a half if quick. The first run on a machine builds OPA besides, which takes minutes. */
export async function measureGateway({
  quick,
  parts = GATEWAY_PARTS,
}: {
  quick: boolean;
  parts?: readonly GatewayPart[];
}): Promise<GatewayFigures> {
  const rows: Row[] = [];
  const told = <Figures>(figures: Figures, asRows: (figures: Figures) => Iterable<Row>): Figures => {
    for (const row of asRows(figures)) {
      rows.push(row);
      tell(row);
    }
    return figures;
  };
  const load = quick ? { rounds: 3, seconds: 1 } : { rounds: 7, seconds: 4 };
  return {
    ...(parts.includes('authorize') && { authorize: told(await measureAuthorize(load), authorizeRows) }),
    ...(parts.includes('nginx') && { authRequest: told(await measureAuthRequest(load), authRequestRows) }),
    ...(parts.includes('cut') && {
      cut: told(
        await measureCut({
          ...(quick ? { sockets: 4_000, singles: 100 } : { sockets: 10_000, singles: 330 }),
          atOnce: 1_000,
          rounds: 3,
        }),
        cutRows,
      ),
    }),
    ...(parts.includes('decisions') && {
      decisions: told(
        await measureDecisions(quick ? { cached: 200_000, stored: 20_000 } : { cached: 1_000_000, stored: 100_000 }),
        decisionRows,
      ),
    }),
    ...(parts.includes('relay') && {
      relay: told(await measureRelay({ ...load, downloadMiB: quick ? 256 : 1_024 }), relayRows),
    }),
    rows,
  };
}

function* authorizeRows({ gateway, bare, byWrk }: AuthorizeFigures): Iterable<Row> {
  yield rowOf('/authorize at 64 connections', gateway.perSecond, bare.perSecond, 'requests/s', 'at least 0.8x');
  yield rowOf('  its p99', gateway.p99, bare.p99, 'ms', 'at most 1.5x');
  yield rowOf('  processor time', gateway.serverMicroseconds, bare.serverMicroseconds, 'µs', 'reported');
  yield rowOf('  that of the load generator', gateway.generatorMicroseconds, null, 'µs', 'reported');
  const wanted = 'as ours says';
  if (byWrk === undefined) yield missingRow('  the same by wrk', 'there is no wrk on this machine', wanted);
  else yield rowOf('  the same by wrk', byWrk.gateway, byWrk.bare, 'requests/s', wanted);
}

function* authRequestRows(figures: AuthRequestFigures | string): Iterable<Row> {
  const figure = 'nginx with auth_request to the gateway, beside';
  if (typeof figures === 'string') {
    yield missingRow(`${figure} nginx alone`, figures, 'reported');
    return;
  }
  const { stance, alone, opa } = figures;
  yield rowOf(`${figure} nginx alone`, stance.perSecond, alone.perSecond, 'requests/s', 'reported');
  yield rowOf('  its p99', stance.p99, alone.p99, 'ms', 'reported');
  if (typeof opa === 'string') {
    yield missingRow(`${figure} nginx with OPA`, opa, 'over 1x');
    return;
  }
  yield rowOf(`${figure} nginx with OPA`, stance.perSecond, opa.perSecond, 'requests/s', 'over 1x');
  yield rowOf('  its p99', stance.p99, opa.p99, 'ms', 'under 1x');
}

function* cutRows(figures: CutFigures): Iterable<Row> {
  const { sockets, limitedBy, byRevocation, byDecision, atOnce, bareAtOnce } = figures;
  const open = `${sockets} WebSockets open${limitedBy === undefined ? '' : ` (${limitedBy})`}`;
  yield rowOf(`${open}: revocation to closed, p50`, byRevocation.p50, null, 'ms', 'reported');
  yield rowOf('  p99', byRevocation.p99, null, 'ms', 'at most 10 ms');
  yield rowOf('  a decision that denies to closed, p99', byDecision.p99, null, 'ms', 'at most 10 ms');
  yield rowOf(`  ${atOnce.count} revoked at once, p99`, atOnce.p99, bareAtOnce.p99, 'ms', 'at most 2x');
  yield rowOf('  until the last of them', atOnce.max, bareAtOnce.max, 'ms', 'at most 2x');
}

function* decisionRows({ cached, owned, loaded, read }: DecisionFigures): Iterable<Row> {
  yield rowOf('cached decisions of three resources, each', cached.bytesEach, null, 'bytes', 'under 300 bytes');
  yield rowOf('  that name an owner as well', owned.bytesEach, null, 'bytes', 'reported');
  yield rowOf('  read and cached', cached.perSecond, null, 'decisions/s', 'reported');
  yield rowOf('  cached alone', cached.appliedPerSecond, null, 'decisions/s', 'reported');
  yield rowOf('  loaded from the stream', loaded.perSecond, read.perSecond, 'decisions/s', 'reported');
  yield rowOf('  all of a gateway, for each of these', loaded.bytesEach, null, 'bytes', 'under 300 bytes');
}

function* relayRows({ gateway, bare, download }: RelayFigures): Iterable<Row> {
  yield rowOf('relay at 64 connections', gateway.perSecond, bare.perSecond, 'requests/s', 'at least 0.9x');
  yield rowOf('  its p99', gateway.p99, bare.p99, 'ms', 'reported');
  yield rowOf('  processor time', gateway.serverMicroseconds, bare.serverMicroseconds, 'µs', 'reported');
  yield rowOf('  one large download', download.gateway, download.bare, 'MiB/s', 'at least 0.9x');
}
