import type { Distribution } from '../../statistics.js';
import { z } from 'zod';
import { Program } from '../program.js';
import { measureBareCut } from './bare-cut.js';
import { Clients, type CutSizes } from './clients.js';
import { mostOpenFiles } from './open-files.js';
import { measureRelayCut, type RelayCut } from './relay-cut.js';

export interface CutFigures extends RelayCut {
  readonly sockets: number;
  /** Why they are fewer than wanted. */
  readonly limitedBy?: string;
  readonly bareAtOnce: Distribution;
}

/** Of each process besides the sockets of its WebSockets. */
const OTHER_FILES = 150;

/** WebSockets through the relay, and how soon they are closed after the engine's word. */
export async function measureCut(wanted: CutSizes): Promise<CutFigures> {
  const filesAtMost = await mostOpenFiles();
  // A relay holds two for each.
  const sockets = Math.min(wanted.sockets, Math.floor((filesAtMost - OTHER_FILES) / 2));
  const sizes = { ...wanted, sockets };
  const upstream = Program.start(new URL('../programs/upstream.js', import.meta.url));
  const clients = new Clients();
  try {
    const upstreamPort = await upstream.ask(z.number(), { do: 'listen' });
    const bareAtOnce = await measureBareCut(clients, upstreamPort, sizes);
    const figures = await measureRelayCut(clients, upstreamPort, sizes);
    return {
      sockets,
      ...(sockets < wanted.sockets && { limitedBy: `a process may open ${filesAtMost} files here (ulimit -Hn)` }),
      ...figures,
      bareAtOnce,
    };
  } finally {
    await Promise.all([clients.stop(), upstream.stop()]);
  }
}
