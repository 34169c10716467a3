import { z } from 'zod';
import { cpuSeconds } from '../pipeline.js';
import { distributionOf } from '../statistics.js';
import { Program } from './program.js';

const Load = z.object({
  perSecond: z.number(),
  requests: z.number(),
  /** Of latencies, in milliseconds. */
  p50: z.number(),
  p99: z.number(),
  /** Processor time of the generator for each request. */
  generatorMicroseconds: z.number(),
});
const Download = z.object({ bytes: z.number(), mebibytesPerSecond: z.number() });

export interface LoadFigures extends z.infer<typeof Load> {
  /** Processor time of the server for each request. */
  readonly serverMicroseconds: number;
}

/** A server under load, and what is sent to it. */
export interface Target {
  readonly port: number;
  readonly pid: number;
  /** Whole requests, sent by turns. */
  readonly requests: readonly string[];
}

export const CONNECTIONS = 64;

/** The load generator, in a process of its own. */
export class LoadGenerator {
  private readonly program = Program.start(new URL('./programs/http-load.js', import.meta.url));

  async load({ port, pid, requests }: Target, seconds: number): Promise<LoadFigures> {
    const before = await cpuSeconds(pid);
    const command = { do: 'load', host: '127.0.0.1', port, requests, connections: CONNECTIONS, seconds };
    const figures = await this.program.ask(Load, command);
    return { ...figures, serverMicroseconds: (((await cpuSeconds(pid)) - before) * 1e6) / figures.requests };
  }

  async download(port: number, request: string): Promise<z.infer<typeof Download>> {
    return this.program.ask(Download, { do: 'download', host: '127.0.0.1', port, request });
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }
}

/**
 * Loads several servers by turns, so that what else the machine does hits none alone, and takes the median of the rounds
 * of each. A round before the first warms up.
 */
export async function loadByTurns<Name extends string>(
  generator: LoadGenerator,
  targets: Readonly<Record<Name, Target>>,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Record<Name, LoadFigures>> {
  const names = Object.keys(targets) as Name[];
  const figures = new Map<Name, LoadFigures[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const measured = await generator.load(targets[name], seconds);
      if (round > 0) figures.get(name)?.push(measured);
    }
  }
  const medians = names.map((name) => [name, medianOf(figures.get(name) ?? [])] as const);
  return Object.fromEntries(medians) as Record<Name, LoadFigures>;
}

function medianOf(figures: readonly LoadFigures[]): LoadFigures {
  const of = (key: keyof LoadFigures): number => distributionOf(figures.map((figure) => figure[key])).p50;
  return {
    perSecond: of('perSecond'),
    requests: of('requests'),
    p50: of('p50'),
    p99: of('p99'),
    generatorMicroseconds: of('generatorMicroseconds'),
    serverMicroseconds: of('serverMicroseconds'),
  };
}

/** A request as an HTTP/1.1 client sends it on a connection that it keeps. */
export function requestOf(path: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ Host: 'wiki.example.org', ...headers }).map(([name, value]) => `${name}: ${value}`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}
