/** What is wrong with a file, and where; lines and columns count from 1. */
export interface FileProblem {
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/** As compilers print it, so that editors and people find the place: `devices.yaml:12:5: message`. */
export function describeProblem(file: string, { message, line, column }: FileProblem): string {
  return `${[file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(':')}: ${message}`;
}
