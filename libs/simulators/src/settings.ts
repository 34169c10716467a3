/** What the stand-alone simulator reads from its environment. */
export interface Settings {
  /** `SIMULATOR_PORT`; default 0, any free port. */
  readonly port: number;
  /** `SIMULATOR_AGENTS`; default 25. */
  readonly agents: number;
  /** `SIMULATOR_TOKEN`; undefined when not set. */
  readonly token: string | undefined;
}

/** Thrown when the environment does not make sense; the message has a line for every variable to correct. */
export class InvalidSettings extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'InvalidSettings';
  }
}

/** Reads the environment; throws InvalidSettings. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const problems: string[] = [];
  const wholeNumber = (name: string, fallback: number, most: number): number => {
    const text = environment[name];
    if (text === undefined || text === '') return fallback;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Infinity;
    if (value > most) problems.push(`${name}=${text}: expected a whole number from 0 to ${most}`);
    return value;
  };
  const settings = {
    port: wholeNumber('SIMULATOR_PORT', 0, 65_535),
    agents: wholeNumber('SIMULATOR_AGENTS', 25, 1_000_000),
    token: environment['SIMULATOR_TOKEN'] || undefined,
  };
  if (problems.length > 0) throw new InvalidSettings(problems);
  return settings;
}
