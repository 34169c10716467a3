import * as fc from 'fast-check';
import { courseOf } from './course.js';
import type { PolicySource } from './policies.js';
import type { Story } from './stories.js';
import { NOW } from './subjects.js';

const HOUR = 3_600_000;

/** A device in one state for some hours. */
export interface Spell {
  readonly hours: number;
  readonly infected: boolean | undefined;
  readonly quarantined: boolean;
  readonly member: boolean;
}

const rarely = fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
export const flapping: fc.Arbitrary<Spell[]> = fc.array(
  fc.record({
    hours: fc.integer({ min: 1, max: 9 }),
    infected: fc.constantFrom(true, true, false, false, undefined),
    quarantined: rarely,
    member: rarely.map((isOut) => !isOut),
  }),
  { minLength: 2, maxLength: 12 },
);

const GRACE = 10;
const REARM = 6;

/** A device that begins clean and then flaps: at every decision whether it was warned, and until when it may be at the latest. */
export function graceAlong(spells: readonly Spell[]): { now: number; warned: boolean; lastMoment: number }[] {
  const first: Spell = { hours: 1, infected: false, quarantined: false, member: true };
  let [start, cleanSince, failedSince] = [NOW, NOW, Infinity];
  const ends = [first, ...spells].map(({ hours, infected, quarantined }) => {
    const isClean = infected === false && !quarantined;
    if (!isClean) cleanSince = Infinity;
    else if (cleanSince === Infinity) cleanSince = start;
    if (infected === true && !quarantined) failedSince = Math.min(failedSince, start);
    const found = { start, lastMoment: failedSince + GRACE * HOUR };
    start += hours * HOUR;
    if (start - cleanSince >= REARM * HOUR) failedSince = Infinity;
    return found;
  });
  return courseOf(storyOf(first, spells)).map(({ now, evaluation }) => {
    const warned = evaluation.resources['wiki']?.effect === 'warn';
    const lastMoment = ends.findLast((one) => one.start <= now)?.lastMoment ?? NOW;
    return { now, warned, lastMoment: lastMoment === Infinity ? NOW : lastMoment };
  });
}

function storyOf(first: Spell, spells: readonly Spell[]): Story {
  const sightOf = ({ infected, quarantined, member }: Spell): Story['sight'] => ({
    device: { state: 'enrolled', groups: member ? ['x'] : [], tags: [] },
    agents: [{ observed: 0, seen: 0 }],
    attributes: { 'sentinelOne:infected': infected === undefined ? undefined : { value: infected, agent: 0 } },
    problems: quarantined ? ['quarantined'] : [],
  });
  const steps = spells.map((spell, index) => ({
    after: (spells[index - 1] ?? first).hours * HOUR,
    sight: sightOf(spell),
  }));
  return { policy: GRACE_POLICY, sight: sightOf(first), steps };
}

const GRACE_POLICY: PolicySource = {
  version: 1,
  defaults: { maxAge: '30d', rearm: `${REARM}h` },
  postures: { clean: { conditions: ['sentinelOne:infected == false'] } },
  gateways: { edge: { resources: ['wiki'], enforcement: 'enforce' } },
  rules: [
    {
      name: 'members read the wiki',
      effect: 'allow',
      resources: ['wiki'],
      groups: ['x'],
      require: [{ posture: 'clean', grace: `${GRACE}h` }],
    },
  ],
  exceptions: [],
};
