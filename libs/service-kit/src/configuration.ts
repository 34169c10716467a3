import { readFileSync } from 'node:fs';
import { formatDuration, parseDuration } from './duration.js';

/** One environment variable: how it is read, what it means, what it is when unset. */
export interface Setting<Value> {
  readonly description: string;
  /** Shown in the documentation; the value used is what `parse` makes of it. */
  readonly default?: string | undefined;
  readonly required: boolean;
  /** May come as `<NAME>_FILE`, is never logged. */
  readonly secret: boolean;
  /** An empty value is a mistake, not "unset": of what a misspelt substitution must not switch off. False by default. */
  readonly refusesEmpty?: boolean;
  /** Throws a {@link SettingProblem} for a value that will not do. */
  readonly parse: (text: string) => Value;
}

export type Settings = Record<string, Setting<unknown>>;
export type ConfigurationOf<S extends Settings> = {
  readonly [Name in keyof S]: S[Name] extends Setting<infer Value> ? Value : never;
};

/** Why a single value will not do; collected into a {@link ConfigurationInvalid}. */
export class SettingProblem extends Error {
  override readonly name = 'SettingProblem';
}

/** Every problem of a configuration at once. A process that meets it prints the message and exits with 2. */
export class ConfigurationInvalid extends Error {
  override readonly name = 'ConfigurationInvalid';
  constructor(readonly problems: readonly string[]) {
    super(
      `the configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
}

interface Common {
  readonly description: string;
}

function setting<Value>(
  common: Common,
  parse: (text: string) => Value,
  fallback: string | undefined,
  required: boolean,
): Setting<Value> {
  return { ...common, default: fallback, required, secret: false, parse };
}

/** Text; required unless it has a default. */
export function text(options: Common & { default?: string; oneOf?: readonly string[] }): Setting<string> {
  return setting(
    options,
    (value) => {
      if (options.oneOf !== undefined && !options.oneOf.includes(value)) {
        throw new SettingProblem(`must be one of ${options.oneOf.join(', ')}, not "${value}"`);
      }
      return value;
    },
    options.default,
    options.default === undefined,
  );
}

/** Text that may be left out. */
export function optionalText(options: Common): Setting<string | undefined> {
  return setting<string | undefined>(options, (value) => value, undefined, false);
}

/** A list, separated by commas; empty by default. */
export function list(options: Common): Setting<readonly string[]> {
  return {
    ...setting<readonly string[]>(
      options,
      (value) =>
        value
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== ''),
      '',
      false,
    ),
  };
}

export function integer(options: Common & { default: number; min?: number; max?: number }): Setting<number> {
  return setting(
    options,
    (value) => {
      const number = Number(value);
      const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
      if (!/^-?\d+$/.test(value.trim()) || number < min || number > max) {
        throw new SettingProblem(`must be a whole number from ${min} to ${max}, not "${value}"`);
      }
      return number;
    },
    String(options.default),
    false,
  );
}

/** A duration such as `10s`, `15m` or `24h`, in milliseconds. */
export function duration(options: Common & { default: string; min?: string; max?: string }): Setting<number> {
  const [min, max] = [parseDuration(options.min ?? '1ms') ?? 1, parseDuration(options.max ?? '365d') ?? Infinity];
  return setting(
    options,
    (value) => {
      const milliseconds = parseDuration(value);
      if (milliseconds === undefined)
        throw new SettingProblem(`must be a duration such as 10s, 15m or 24h, not "${value}"`);
      if (milliseconds < min || milliseconds > max) {
        throw new SettingProblem(`must be from ${formatDuration(min)} to ${formatDuration(max)}, not ${value}`);
      }
      return milliseconds;
    },
    options.default,
    false,
  );
}

/** A secret, from `<NAME>` or the file that `<NAME>_FILE` names. Reading it again sees a rotated file. */
export function secret(options: Common): Setting<Secret> {
  return { ...setting(options, (value) => new Secret(() => value), undefined, true), secret: true };
}

/** A value that shows itself to nobody who does not ask for it. */
export class Secret {
  constructor(private readonly read: () => string) {}

  /** The present value; a file is read anew, so that a rotated secret takes effect without a restart. */
  reveal(): string {
    return this.read();
  }

  toJSON(): string {
    return '[secret]';
  }

  toString(): string {
    return '[secret]';
  }
}

/** Reads settings from the environment. An empty value counts as unset, unless the setting refuses it. Throws {@link ConfigurationInvalid}. */
export function loadConfiguration<S extends Settings>(settings: S, environment: NodeJS.ProcessEnv): ConfigurationOf<S> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, definition] of Object.entries(settings)) {
    try {
      values[name] = valueOf(name, definition, environment);
    } catch (error) {
      if (!(error instanceof SettingProblem)) throw error;
      problems.push(`${name} ${error.message} (${definition.description})`);
    }
  }
  if (problems.length > 0) throw new ConfigurationInvalid(problems);
  return values as ConfigurationOf<S>;
}

function valueOf(name: string, definition: Setting<unknown>, environment: NodeJS.ProcessEnv): unknown {
  const file = definition.secret ? environment[`${name}_FILE`] : undefined;
  const given = environment[name];
  if (file !== undefined && file !== '') {
    if (given !== undefined && given !== '')
      throw new SettingProblem(`is set, and ${name}_FILE as well: set one of them`);
    readSecret(file);
    return new Secret(() => readSecret(file));
  }
  if (given !== undefined && given !== '') return definition.parse(given);
  if (given === '' && definition.refusesEmpty === true)
    throw new SettingProblem('is set and empty: give it a value, or unset it if that is meant');
  if (definition.default !== undefined) return definition.parse(definition.default);
  if (definition.required)
    throw new SettingProblem(definition.secret ? `is not set, nor is ${name}_FILE` : 'is not set');
  return undefined;
}

function readSecret(file: string): string {
  try {
    const value = readFileSync(file, 'utf8').trim();
    if (value !== '') return value;
  } catch (error) {
    throw new SettingProblem(`cannot be read from ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw new SettingProblem(`is empty in ${file}`);
}
