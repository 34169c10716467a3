import { expect, test } from '@jest/globals';
import { OperatorActed } from '@stance/contracts';
import { startTestNats } from '@stance/testing';
import { act } from './act.js';
import { linked } from './fixtures/facts.js';
import { freshTopology } from './fixtures/fresh-topology.js';
import { readLog } from './read-table.js';
import { Stack } from './stack.js';

test('of two people who do the same at once, one is told to look again', async () => {
  const nats = await startTestNats();
  try {
    await freshTopology(await nats.connect());
    const stack = await Stack.connect({ natsUrl: nats.url, demo: false }, {}, () => undefined);
    const { sequence } = await stack.last(OperatorActed, linked());
    await act(stack, linked({ by: 'ana' }), sequence);
    await expect(act(stack, linked({ by: 'ben' }), sequence)).rejects.toThrow(
      /stored a manual-link for office-console\/102 at this moment, so nothing was done: look again/,
    );
    expect((await readLog(stack.connection, OperatorActed)).events.map(({ data }) => data.by)).toEqual(['ana']);
    await stack.close();
  } finally {
    await nats.close();
  }
});
