import { readFileSync } from 'node:fs';
import { importCloudflare, importNetBird, importTailscale, type ImportNote, type ImportResult } from '@stance/policy';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { WrongUsage } from '../errors.js';
import { policyErrorLines } from '../view/policy-errors.js';
import { plain } from '../view/text.js';

/** `policy import tailscale|netbird|cloudflare <file>`: the policy on standard output, the report on standard error. */
export function addImport(policy: Command, context: CommandContext): void {
  const command = policy
    .command('import')
    .description('turn what another system requires into a policy and say what was left out; needs no server');
  for (const { name, description, read } of FORMATS) {
    command
      .command(`${name} <file>`)
      .description(description)
      .action((file: string) => printImport(file, read, context));
  }
}

const FORMATS: readonly { name: string; description: string; read: (text: string) => ImportResult }[] = [
  { name: 'tailscale', description: 'a tailnet policy file (HuJSON)', read: importTailscale },
  { name: 'netbird', description: 'the SentinelOne criteria of NetBird, as its API gives them', read: importNetBird },
  {
    name: 'cloudflare',
    description: 'SentinelOne posture rules of Cloudflare, as its API gives them',
    read: importCloudflare,
  },
];

function printImport(file: string, read: (text: string) => ImportResult, context: CommandContext): void {
  const text = readSource(file);
  const result = read(text);
  if (!result.ok) {
    const lines = result.errors.flatMap((error) => policyErrorLines(file, text, error));
    throw new WrongUsage([...lines, 'nothing was imported'].join('\n'));
  }
  const { document, report } = result;
  if (report.some(({ severity }) => severity === 'left-out')) context.negative();
  context.print({ policy: document, report }, () => {
    const { stdout } = context.io;
    // What is redirected into a file stays as it is.
    stdout.write(stdout.isTTY === true ? document.split('\n').map(plain).join('\n') : document);
    for (const note of report) context.note(noteLine(file, note));
    context.note(summary(report));
  });
}

function readSource(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new WrongUsage(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

const WORDS = { 'left-out': 'left out', changed: 'changed', review: 'to review' } as const;

const noteLine = (file: string, { severity, at, line, column, message }: ImportNote): string =>
  `${file}:${line}:${column}: ${WORDS[severity]}: ${at}: ${message}`;

function summary(report: readonly ImportNote[]): string {
  const counts = Object.entries(WORDS).map(([severity, words]) => {
    return `${report.filter((note) => note.severity === severity).length} ${words}`;
  });
  return `imported: ${counts.join(', ')}`;
}
