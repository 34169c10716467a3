import { expect, it } from '@jest/globals';
import { RevisionAlarms } from './revision-alarms.js';

it('what is wrong with a revision is told once of each kind, with what to do', () => {
  const errors: [object, string][] = [];
  const alarms = new RevisionAlarms({ error: (fields, message) => void errors.push([fields, message]) });
  const defect = new RangeError('out of range');
  for (const deviceId of ['d1', 'd2']) {
    for (const revision of [3, 4]) alarms.cannotBeEvaluated(revision, { gateway: 'edge', deviceId }, defect);
    alarms.isTooLarge(3, { gateway: 'edge', deviceId }, 'without reasons');
  }
  const concerned = { gateway: 'edge', deviceId: 'd1' };
  expect(errors).toEqual([
    [
      { policyRevision: 3, ...concerned, err: defect },
      expect.stringMatching(/^policy revision 3 .*`stance policy roll/),
    ],
    [{ policyRevision: 4, ...concerned, err: defect }, expect.stringMatching(/^policy revision 4 /)],
    [
      { policyRevision: 3, ...concerned, form: 'without reasons' },
      expect.stringMatching(/too large .* without reasons/),
    ],
  ]);
});
