import { styleText } from 'node:util';

/** What `npm start` tells people: a line per step, nothing that scrolls away what matters. */
export interface Terminal {
  step(text: string): void;
  note(text: string): void;
  say(text: string): void;
  problem(text: string): void;
}

export function createTerminal(output: NodeJS.WriteStream, errors: NodeJS.WriteStream): Terminal {
  const coloured = output.isTTY && (process.env['NO_COLOR'] ?? '') === '';
  const style = (format: Parameters<typeof styleText>[0], text: string) => (coloured ? styleText(format, text) : text);
  return {
    step: (text) => void output.write(`${style('dim', 'stance:')} ${text}\n`),
    note: (text) => void output.write(`${style('yellow', text)}\n`),
    say: (text) => void output.write(`${text}\n`),
    problem: (text) => void errors.write(`stance: ${text}\n`),
  };
}
