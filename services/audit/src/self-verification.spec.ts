import { afterEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@stance/testing';
import { SelfVerification, type SelfVerificationParts } from './self-verification.js';
import type { AuditVerification } from './verify-trail.js';

const INTACT: AuditVerification = { records: 3, gaps: 1, intact: true, lastHash: 'a'.repeat(64) };
const DAMAGED: AuditVerification = {
  ...INTACT,
  intact: false,
  firstBad: { streamSequence: 2, position: 2, problem: 'its hash does not fit' },
};
const FAR_OFF_MS = 60_000;

const started: SelfVerification[] = [];
let told: { level: string; message: string; fields: object }[] = [];
let now = 0;

afterEach(async () => {
  await Promise.all(started.splice(0).map((verification) => verification.stop()));
  told = [];
});

function start(parts: Partial<SelfVerificationParts>): SelfVerification {
  const tell = (level: string) => (fields: object, message: string) => void told.push({ level, message, fields });
  const verification = new SelfVerification({
    verify: async () => INTACT,
    isBusy: () => false,
    logger: { error: tell('error'), info: tell('info'), warn: tell('warn') },
    everyMs: FAR_OFF_MS,
    now: () => now,
    ...parts,
  });
  started.push(verification);
  verification.start();
  return verification;
}

/** Finds one after the other, the last of them again and again. */
function finds(...outcomes: (AuditVerification | Error)[]): () => Promise<AuditVerification> {
  let next = 0;
  return async () => {
    const outcome = outcomes[Math.min(next++, outcomes.length - 1)] ?? INTACT;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
}

async function statusOf(verification: SelfVerification, intact: boolean) {
  return waitFor(() => verification.status()?.intact === intact && verification.status(), {
    what: `intact: ${intact}`,
  });
}

describe('the self-verification', () => {
  it('verifies at start, and says what it found and when', async () => {
    now = Date.parse('2026-01-05T09:00:00Z');
    const verification = start({});
    expect(verification.status()).toBeUndefined();
    expect(await statusOf(verification, true)).toEqual({
      verifiedAt: '2026-01-05T09:00:00.000Z',
      intact: true,
      records: 3,
      gaps: 1,
    });
    now += 7_000;
    expect(verification.ageMs()).toBe(7_000);
  });

  it('verifies again after its interval, and tells each time what it found, with the last hash', async () => {
    const verification = start({ verify: finds(INTACT, INTACT, DAMAGED, DAMAGED, INTACT), everyMs: 5 });
    await waitFor(() => told.length >= 5, { what: 'five verifications' });
    await verification.stop();
    expect(told.map(({ level }) => level).slice(0, 5)).toEqual(['info', 'info', 'error', 'error', 'info']);
    expect(told[1]?.fields).toEqual({ records: 3, gaps: 1, lastHash: INTACT.lastHash });
    expect(told[2]?.fields).toEqual({ records: 3, lastHash: INTACT.lastHash, firstBad: DAMAGED.firstBad });
  });

  it.each([
    ['is damaged', INTACT, DAMAGED],
    ['is intact', DAMAGED, INTACT],
  ])('says that the trail %s once it finds so', async (_, first, next) => {
    const verification = start({ verify: finds(first, next), everyMs: 5 });
    expect(await statusOf(verification, next.intact)).toMatchObject({
      intact: next.intact,
      ...(next.firstBad && { firstBad: next.firstBad }),
    });
  });

  it('holds each verification to the last intact one, whatever was found in between', async () => {
    const grown: AuditVerification = { ...INTACT, records: 5, lastHash: 'b'.repeat(64) };
    const outcomes = finds(INTACT, grown, DAMAGED, new Error('no leader'), INTACT);
    const given: unknown[] = [];
    const verification = start({
      verify: async ({ before }) => {
        given.push(before);
        return outcomes();
      },
      everyMs: 5,
    });
    await waitFor(() => given.length >= 4, { what: 'four verifications' });
    await verification.stop();
    const [first, second] = [INTACT, grown].map(({ records, lastHash }) => ({ records, lastHash }));
    expect(given.slice(0, 4)).toEqual([undefined, first, second, second]);
  });

  it('keeps what it knows, and grows older, while the trail cannot be read', async () => {
    now = 0;
    const verification = start({ verify: finds(INTACT, new Error('no leader')), everyMs: 5 });
    await waitFor(() => told.some(({ level }) => level === 'warn'), { what: 'the warning' });
    now = 90_000;
    expect(verification.status()).toMatchObject({ intact: true });
    expect(verification.ageMs()).toBe(90_000);
  });

  it('is as old as the service before its first result', async () => {
    now = 0;
    const verification = start({ verify: () => new Promise(() => undefined) });
    started.length = 0;
    now = 5_000;
    expect([verification.status(), verification.ageMs()]).toEqual([undefined, 5_000]);
  });

  it('waits after a stretch for as long as recording needs the time', async () => {
    let busy = true;
    let looks = 0;
    let rested = false;
    const verification = start({
      isBusy: () => {
        looks += 1;
        return busy;
      },
      verify: async ({ rest }) => {
        await rest();
        rested = true;
        return INTACT;
      },
    });
    await waitFor(() => looks >= 2, { what: 'it to look whether recording is done' });
    expect(rested).toBe(false);
    busy = false;
    await statusOf(verification, true);
    expect(rested).toBe(true);
  });

  it('rests four times as long as it works', async () => {
    const verification = start({
      verify: async ({ rest }) => {
        const workedFrom = performance.now();
        while (performance.now() - workedFrom < 20);
        const restedFrom = performance.now();
        await rest();
        return { ...INTACT, records: Math.round(performance.now() - restedFrom) };
      },
    });
    expect((await statusOf(verification, true)).records).toBeGreaterThanOrEqual(79);
  });

  it('stops in the middle of a rest', async () => {
    const verification = start({
      isBusy: () => true,
      verify: async ({ rest }) => {
        await rest();
        return INTACT;
      },
    });
    await verification.stop();
    expect(verification.status()).toBeUndefined();
    expect(told).toEqual([]);
  });
});
