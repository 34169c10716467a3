/** Thrown when a configuration does not have what a test would change in it: test and file have grown apart. */
export class NothingToAdapt extends Error {
  override readonly name = 'NothingToAdapt';

  constructor(wanted: string) {
    super(`The configuration has no "${wanted}": change the test with the file.`);
  }
}

/** A deployed configuration with addresses and paths of a test in place of its own; each has to be there. */
export function adapt(configuration: string, replacements: Readonly<Record<string, string>>): string {
  return Object.entries(replacements).reduce((text, [wanted, replacement]) => {
    if (!text.includes(wanted)) throw new NothingToAdapt(wanted);
    return text.replaceAll(wanted, () => replacement);
  }, configuration);
}
