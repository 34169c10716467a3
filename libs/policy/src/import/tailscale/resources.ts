import { UniqueNames } from '../names.js';
import type { Destination } from './destinations.js';
import { covers, portsText, type Ports } from './ports.js';

interface Resource {
  readonly name: string;
  readonly target: string;
  readonly ports: Ports;
}

const LONGEST_NAME = 100;

/** The resources that a file's rules lead to: each target on each set of ports that some rule names for it. */
export class TailscaleResources {
  readonly #resources: readonly Resource[];
  readonly #byTarget: ReadonlyMap<string, readonly Resource[]>;
  /** What each resource is, by name. */
  readonly meanings: ReadonlyMap<string, string>;

  constructor(destinations: readonly Destination[], hosts: Readonly<Record<string, string>>) {
    const named = destinations.filter(({ target }) => target !== '*');
    const names = new UniqueNames(LONGEST_NAME);
    this.#resources = [...Map.groupBy(named, ({ target }) => target)].flatMap(([target, all]) => {
      const ports = new Map(all.flatMap((one) => one.ports).map((one) => [portsText(one), one]));
      return [...ports].map(([text, one]) => {
        // The ports are kept in the name where the target has more than one set of them.
        const base = nameOf(target) + (ports.size > 1 && text !== '' ? `:${text}` : '');
        return { name: names.name(base), target, ports: one };
      });
    });
    this.#byTarget = Map.groupBy(this.#resources, ({ target }) => target);
    this.meanings = new Map(this.#resources.map((resource) => [resource.name, meaningOf(resource, hosts)]));
  }

  /** The names of all that a destination covers. */
  namesFor({ target, ports }: Destination): string[] {
    const resources = target === '*' ? this.#resources : (this.#byTarget.get(target) ?? []);
    return resources.filter((one) => ports.some((outer) => covers(outer, one.ports))).map(({ name }) => name);
  }

  /** The names of the resources that contain the given ports of a target, the narrowest first. */
  namesContaining(target: string, ports: Ports): string[] {
    return (this.#byTarget.get(target) ?? [])
      .filter((one) => covers(one.ports, ports))
      .toSorted((a, b) => a.ports.to - a.ports.from - (b.ports.to - b.ports.from))
      .map(({ name }) => name);
  }
}

const nameOf = (target: string): string => target.replace(/^(?:tag|ipset|svc|host):/, '').replaceAll(/[[\]]/g, '');

function meaningOf({ target, ports }: Resource, hosts: Readonly<Record<string, string>>): string {
  const address = Object.hasOwn(hosts, target) ? ` (${hosts[target]})` : '';
  const text = portsText(ports);
  return `${target}${address}, ${text === '' ? 'any port' : `port ${text}`}`;
}
