import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { asTold, asWanted, goldenFiles, momentsOf, readGoldenCase, type GoldenCase } from '@stance/testing';
import { Service } from './spec/told-by-the-service.js';

/** A hundred years: the timers of a case must not fall due by the server's clock before the case says so. */
const DAYS_AHEAD = 36_525;

let service: Service;
beforeAll(async () => {
  service = await Service.start();
});
afterAll(() => service?.close());
afterEach(() => service.end());

/** The same cases run through the evaluator alone in `libs/policy/src/cases.spec.ts`. */
describe('golden cases, through the running service', () => {
  const files = goldenFiles().map((file, index) => ({ ...file, number: index + 1 }));

  test.each(files)('$name', async ({ number, ...file }) => {
    const golden = readGoldenCase(file, { daysLater: DAYS_AHEAD });
    await service.begin(golden.device?.id ?? `laptop-of-case-${number}`, golden.alike);
    for (const moment of momentsOf(golden)) {
      const outcome = await service.tell(moment);
      expect({ moment: moment.name, ...asTold(outcome) }).toMatchObject({
        moment: moment.name,
        ...asWanted(moment.wanted),
        ...refusalByTests(golden),
      });
      for (const [resource, heldUntil] of Object.entries(moment.wanted.held)) {
        expect(outcome.decision?.resources[resource]).toMatchObject({ effect: 'deny', enforced: false, heldUntil });
      }
      const reviewAt = outcome.decision?.reviewAt ?? null;
      // Looking again too early is harmless, too late is not.
      expect(service.dueAt ?? Infinity).toBeLessThanOrEqual(reviewAt === null ? Infinity : Date.parse(reviewAt));
    }
  });
});

/** A policy whose own tests fail is refused, with their names. */
function refusalByTests({ tests = [] }: GoldenCase): object {
  const failing = tests.filter(({ passed }) => !passed);
  if (failing.length === 0) return {};
  return { errors: failing.map(({ name }) => ({ message: expect.stringContaining(`test "${name}" fails`) })) };
}
