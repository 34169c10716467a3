import { metrics, type ObservableResult } from '@opentelemetry/api';

/** What a metric is called and what it means. Names and units are OpenTelemetry's; Prometheus derives its own from them. */
export interface MetricDefinition {
  /** The package that tells it, as `@stance/policy-engine`. */
  readonly meter: string;
  readonly name: string;
  /** As in UCUM: `s`, `By`, `1` or an annotation such as `{session}`. */
  readonly unit: string;
  readonly description: string;
}

/**
 * By which a metric's values are told apart: names of a closed set, or those that an operator has chosen. Never the id of a
 * device, a session, a user or an agent: each would be a series of its own.
 */
export type Labels = Readonly<Record<string, string>>;

export type Tell = (value: number, labels?: Labels) => void;

/**
 * Shows a gauge whenever metrics are collected, until the function that is returned is called: what only the active replica
 * knows is told by nobody else. Call it when telemetry has started.
 */
export function observeGauge(
  { meter, name, unit, description }: MetricDefinition,
  tellAll: (tell: Tell) => void,
): () => void {
  const gauge = metrics.getMeter(meter).createObservableGauge(name, { unit, description });
  const observe = (result: ObservableResult): void => tellAll((value, labels) => result.observe(value, labels));
  gauge.addCallback(observe);
  return () => gauge.removeCallback(observe);
}

interface Count {
  readonly labels: Labels;
  value: number;
}

/** A counter of plain numbers that are read when metrics are collected: counting costs next to nothing. */
export class Tally<Label extends string> {
  private readonly counts = new Map<string, Count>();

  /** `labels`: the names of all labels, in the order in which {@link add} takes their values. */
  constructor(
    { meter, name, unit, description }: MetricDefinition,
    private readonly labels: readonly Label[],
  ) {
    const counter = metrics.getMeter(meter).createObservableCounter(name, { unit, description });
    counter.addCallback((result) => {
      for (const { labels: own, value } of this.counts.values()) result.observe(value, own);
    });
  }

  add(values: readonly string[], by = 1): void {
    const key = values.join('\n');
    const count = this.counts.get(key);
    if (count !== undefined) count.value += by;
    else this.counts.set(key, { labels: this.named(values), value: by });
  }

  private named(values: readonly string[]): Labels {
    return Object.fromEntries(this.labels.map((label, index) => [label, values[index] ?? '']));
  }
}

const tallies = new Map<string, Tally<string>>();

/** The process's counter of this name: what is composed anew goes on counting. Call it when telemetry has started. */
export function tallyOf<const Label extends string>(
  definition: MetricDefinition,
  labels: readonly Label[],
): Tally<string> {
  const known = tallies.get(definition.name);
  if (known !== undefined) return known;
  const tally = new Tally<string>(definition, labels);
  tallies.set(definition.name, tally);
  return tally;
}
