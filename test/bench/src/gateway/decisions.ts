import { jetstreamManager } from '@nats-io/jetstream';
import { STREAMS } from '@stance/contracts';
import { applyTopology, connectToNats } from '@stance/jetstream';
import { findNatsServer, startNatsServer } from '@stance/nats-server';
import { temporaryFolder, waitFor } from '@stance/testing';
import { z } from 'zod';
import { Program } from './program.js';
import { decisionPayload } from './programs/decision-payloads.js';

const Filled = z.object({ bytesEach: z.number(), perSecond: z.number(), appliedPerSecond: z.number() });
const Loaded = z.object({ bytesEach: z.number(), perSecond: z.number() });

export interface DecisionFigures {
  /** In the cache alone, each device allowed by its own decision; `owned` by decisions that name its owner as well. */
  readonly cached: z.infer<typeof Filled>;
  readonly owned: z.infer<typeof Filled>;
  /** A whole gateway that loads them from the stream, and a reader that only counts. */
  readonly loaded: z.infer<typeof Loaded>;
  readonly read: z.infer<typeof Loaded>;
}

/** What the decisions of a gateway take, and how fast they are loaded. */
export async function measureDecisions(sizes: { cached: number; stored: number }): Promise<DecisionFigures> {
  return {
    cached: await fill(sizes.cached, false),
    owned: await fill(sizes.cached, true),
    ...(await loadFromStream(sizes.stored)),
  };
}

async function fill(decisions: number, owned: boolean): Promise<z.infer<typeof Filled>> {
  const program = Program.start(new URL('./programs/cached-decisions.js', import.meta.url), ['--expose-gc']);
  try {
    return await program.ask(Filled, { do: 'fill', decisions, owned });
  } finally {
    await program.stop();
  }
}

async function loadFromStream(decisions: number): Promise<Pick<DecisionFigures, 'loaded' | 'read'>> {
  const folder = await temporaryFolder();
  const nats = await startNatsServer({ binary: await findNatsServer(), storeDir: folder.path, port: 0 });
  const connection = await connectToNats({ url: nats.url, name: 'bench' });
  const program = Program.start(new URL('./programs/stream-load.js', import.meta.url), ['--expose-gc']);
  try {
    await applyTopology(connection);
    for (let index = 0; index < decisions; index += 1) {
      const { subject, payload } = decisionPayload('bench', index, { owned: false });
      connection.publish(subject, payload);
      if (index % 1_000 === 999) await connection.flush();
    }
    const manager = await jetstreamManager(connection);
    const stored = async () => (await manager.streams.info(STREAMS.DECISIONS.name)).state.messages;
    await waitFor(async () => (await stored()) === decisions, {
      what: 'the decisions to be stored',
      timeoutMs: 60_000,
    });
    const command = { url: nats.url, gateway: 'bench', decisions };
    const read = await program.ask(Loaded, { ...command, do: 'only read' });
    return { read, loaded: await program.ask(Loaded, { ...command, do: 'load a gateway' }) };
  } finally {
    await program.stop();
    await connection.close();
    await nats.stop();
    await folder.remove();
  }
}
