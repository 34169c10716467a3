import Sequencer from '@jest/test-sequencer';

/** Of the spec files with a server of their own, as many to each end-to-end one: they take about as long as it. */
const SERVERS_TO_AN_END_TO_END = 4;

/**
 * Jest's testSequencer: what Jest holds for the longest comes first of each kind. End-to-end specs keep the processors busy
 * and those with a server mostly wait, so they take turns; what ends soon comes last, so that no worker is left with a long
 * one. What measures how long others take (`*.alone.spec.ts`) begins when everything else has begun, so that it has the
 * machine to itself once the short ones before it have ended.
 */
export default class InTurns extends Sequencer {
  async sort(tests) {
    // Jest's own method, which sorts no array in place.
    const inJestsOrder = super.sort.bind(this);
    const sorted = await inJestsOrder(tests);
    const endToEnd = sorted.filter(({ path }) => path.endsWith('.e2e.spec.ts'));
    const withServer = sorted.filter(({ path }) => path.endsWith('.nats.spec.ts'));
    const alone = sorted.filter(({ path }) => path.endsWith('.alone.spec.ts'));
    const others = sorted.filter(({ path }) => !/\.(e2e|nats|alone)\.spec\.ts$/.test(path));
    const inTurns = endToEnd.flatMap((test, turn) => [
      test,
      ...withServer.slice(turn * SERVERS_TO_AN_END_TO_END, (turn + 1) * SERVERS_TO_AN_END_TO_END),
    ]);
    return [...inTurns, ...withServer.slice(endToEnd.length * SERVERS_TO_AN_END_TO_END), ...others, ...alone];
  }
}
