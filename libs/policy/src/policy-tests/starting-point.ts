import type { CompiledPolicy, CompiledPosture, CompiledResource, CompiledRule } from '../evaluation/compile-policy.js';
import type { PostureSubject } from '../evaluation/subject.js';
import type { PolicyTest } from '../policy.js';
import { demand, SearchEffort, ValueSearch, type Demand, type Values } from './passing-values.js';
import { deviceFields } from './test-device.js';

const NO_VALUES: Values = new Map();
const NOTHING: StartingPoint = { values: NO_VALUES, impassable: new Set() };

/** Values tried against conditions by all tests of a policy: many times what the largest policy of sense needs. */
const MOST_TRIES = 10_000_000;
/** A key longer than this costs more than it saves. */
const LONGEST_KEY = 1000;

/** Where a policy's own test starts from. */
export interface StartingPoint {
  readonly values: Values;
  /** Expected resources that no device of this kind can pass for, however it is. */
  readonly impassable: ReadonlySet<string>;
}

/** Finds where the tests of one policy start from; tests of like devices and resources share it. */
export class StartingPoints {
  readonly #effort = new SearchEffort(MOST_TRIES);
  readonly #known = new Map<string, StartingPoint>();
  readonly #holding = new Map<CompiledPosture, readonly Demand[]>();
  readonly #failing = new Map<CompiledPosture, readonly (readonly Demand[])[]>();

  constructor(private readonly compiled: CompiledPolicy) {}

  /**
   * The values of a device that holds all that the rules for it require; none where the test does not start from that.
   * @throws {SearchTooLong}
   */
  of({ fromPassing, device, expect }: PolicyTest): StartingPoint {
    if (!fromPassing) return NOTHING;
    const fields = deviceFields(device, NO_VALUES);
    const names = [...expect.keys()];
    const key = JSON.stringify([fields, names]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const resources = names.map((name) => this.compiled.resources.get(name)).filter((one) => one !== undefined);
    const found = this.#find(fields, resources);
    if (key.length <= LONGEST_KEY) this.#known.set(key, found);
    return found;
  }

  #find(device: PostureSubject['device'], resources: readonly CompiledResource[]): StartingPoint {
    const inScope = (rules: readonly CompiledRule[]): CompiledRule[] => rules.filter((rule) => rule.applies(device));
    const allowing = new Map(resources.map(({ name, allows }) => [name, inScope(allows)]));
    const search = new ValueSearch(this.#effort);
    const passed = new Set<CompiledRule>();
    for (const rule of new Set([...allowing.values()].flat())) {
      for (const way of this.#waysToPass(rule)) {
        if (!search.meet(way)) continue;
        passed.add(rule);
        break;
      }
    }
    for (const posture of new Set(resources.flatMap(({ denies }) => inScope(denies).flatMap(({ when }) => when)))) {
      this.#waysToFail(posture).some((way) => search.meet(way));
    }
    const impassable = [...allowing].filter(([, rules]) => rules.length > 0 && !rules.some((rule) => passed.has(rule)));
    return { values: search.values, impassable: new Set(impassable.map(([name]) => name)) };
  }

  /** All of `require`, and each of `requireAny` in turn. */
  *#waysToPass({ require, requireAny }: CompiledRule): Generator<readonly Demand[]> {
    const required = require.flatMap(({ posture }) => this.#hold(posture));
    if (requireAny.length === 0) yield required;
    for (const { posture } of requireAny) yield [...required, ...this.#hold(posture)];
  }

  #hold(posture: CompiledPosture): readonly Demand[] {
    const known = this.#holding.get(posture);
    const demands = known ?? posture.conditions.map(({ condition }) => demand(condition, true));
    if (known === undefined) this.#holding.set(posture, demands);
    return demands;
  }

  #waysToFail(posture: CompiledPosture): readonly (readonly Demand[])[] {
    const known = this.#failing.get(posture);
    const ways = known ?? posture.conditions.map(({ condition }) => [demand(condition, false)]);
    if (known === undefined) this.#failing.set(posture, ways);
    return ways;
  }
}
