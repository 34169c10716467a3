import { once } from 'node:events';
import { resolve } from 'node:path';
import type { JetStreamManager } from '@nats-io/jetstream';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { WrongUsage } from '../errors.js';
import type { Output } from '../io.js';
import { wholeNumber } from '../options.js';
import { exportTrail, resumeAfter, type Exported, type ExportOptions } from '../trail-export/export-trail.js';
import { TrailFile } from '../trail-export/trail-file.js';
import { ProgressLine } from '../view/progress-line.js';
import { counted, grouped } from '../view/text.js';

interface Options {
  readonly from?: number;
  readonly out?: string;
}

export function addAuditExport(audit: Command, context: CommandContext): void {
  audit
    .command('export')
    .description('the whole trail, to be kept outside NATS: each record as stored, as a line of JSON')
    .option('--from <sequence>', "begin with this sequence of the trail's stream (default: 1)", wholeNumber(1))
    .option('--out <file>', 'write to this file; where it is there, go on after its last whole line')
    .action(async ({ from, out }: Options) => {
      await context.connectedToTrail((trail) =>
        out === undefined ? toOutput(trail, from ?? 1, context) : toFile(trail, from, out, context),
      );
    });
}

async function toOutput(trail: JetStreamManager, from: number, context: CommandContext): Promise<void> {
  const write = (lines: string) => written(context.io.stdout, lines);
  const exported = await run(trail, { from, write }, context);
  context.note(exportedText(exported));
}

async function toFile(
  trail: JetStreamManager,
  from: number | undefined,
  out: string,
  context: CommandContext,
): Promise<void> {
  const file = await TrailFile.open(resolve(context.io.cwd, out));
  try {
    const next = await resumeAfter(trail, file);
    if (file.dropped > 0) context.note(`a torn last line of ${counted(file.dropped, 'byte')} was dropped`);
    if (file.last !== undefined) {
      if (from !== undefined && from !== next)
        throw new WrongUsage(`${out} goes on at sequence ${next}: leave --from out, or choose another file`);
      context.note(`${out} is there: going on at sequence ${next}`);
    }
    const write = (lines: string) => file.append(lines);
    const last = file.last?.text;
    const exported = await run(trail, { from: file.last === undefined ? (from ?? next) : next, last, write }, context);
    context.print({ file: out, ...exported }, (screen) => screen.line(`${out}: ${exportedText(exported)}`));
  } finally {
    await file.close();
  }
}

/** Exports with progress and Ctrl-C, and says what is missing. */
async function run(
  trail: JetStreamManager,
  options: Omit<ExportOptions, 'signal' | 'progress'>,
  context: CommandContext,
): Promise<Exported> {
  const line = new ProgressLine(context.io.stderr);
  const signal = context.io.interruption();
  const progress = (sequence: number, end: number) => line.tell(`${grouped(sequence)} of ${grouped(end)}`);
  const exported = await exportTrail(trail, { ...options, signal, progress }).finally(() => line.end());
  const { lastSequence, trailEnd } = exported;
  if (exported.complete) return exported;
  const upTo = `it ends with sequence ${lastSequence ?? 0} of ${trailEnd}`;
  if (signal.aborted) {
    context.interrupted();
    context.note(`interrupted: ${upTo}; run it again to go on`);
  } else {
    context.negative();
    context.note(`${upTo}, as nothing behind it can be read: run it again, then \`stance audit verify\``);
  }
  return exported;
}

function exportedText({ records, lastSequence, lastHash }: Exported): string {
  const end = lastSequence === null ? '' : `, up to sequence ${lastSequence}, last hash ${lastHash ?? 'unknown'}`;
  return `${counted(records, 'record')} exported${end}`;
}

/** Waits while the reader of a pipe is behind. */
async function written(output: Output, text: string): Promise<void> {
  if (!output.write(text)) await once(output, 'drain');
}
