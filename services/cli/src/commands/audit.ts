import { resolve } from 'node:path';
import { ListAudit, VerifyAudit } from '@stance/contracts';
import { ask } from '@stance/jetstream';
import type { Command } from 'commander';
import type { z } from 'zod';
import type { CommandContext } from '../command-context.js';
import { durationOption, wholeNumber } from '../options.js';
import { verifyFiles } from '../trail-export/verify-files.js';
import type { Paint } from '../view/paint.js';
import type { Column } from '../view/table.js';
import { counted, plain } from '../view/text.js';
import { addAuditExport } from './audit-export.js';

type AuditRecord = z.output<typeof ListAudit.output>['records'][number];
type Verification = z.output<typeof VerifyAudit.output>;

/** Walking a chain of millions of records takes minutes. */
const VERIFY_TIMEOUT = '10m';

export function addAudit(program: Command, context: CommandContext): void {
  const audit = program.command('audit').description('the append-only record of every fact');
  audit
    .command('list')
    .description('the newest records, oldest first')
    .option('--device <id>', 'only those about this device')
    .option('--limit <n>', 'how many', wholeNumber(1, 500), 50)
    .action(async ({ device, limit }: { device?: string; limit: number }) => {
      await context.connected(async (stack) => {
        const input = { limit, ...(device !== undefined && { device }) };
        const { records } = await ask(stack.connection, ListAudit, input, { timeoutMs: 30_000 });
        context.print(records, (screen) => screen.table(COLUMNS, records, 'No record.'));
      });
    });
  audit
    .command('verify')
    .description('walk the whole chain and name the first record that does not fit')
    .option(
      '--file <file...>',
      'one that was exported, or several in their order, instead of the trail: nothing is asked',
    )
    .option('--timeout <duration>', 'how long it may take', durationOption, durationOption(VERIFY_TIMEOUT))
    .action(async ({ timeout, file }: { timeout: number; file?: string[] }) => {
      if (file !== undefined) return verifyExported(file, context);
      await context.connected(async (stack) => {
        const result = await ask(stack.connection, VerifyAudit, {}, { timeoutMs: timeout });
        if (!result.intact) context.negative();
        const { firstBad } = result;
        const where = firstBad === undefined ? '' : ` at stream sequence ${firstBad.streamSequence}`;
        context.print(result, (screen) => screen.line(verdictText(result, where, screen.paint)));
      });
    });
  addAuditExport(audit, context);
}

async function verifyExported(files: readonly string[], context: CommandContext): Promise<void> {
  const result = await verifyFiles(files.map((file) => resolve(context.io.cwd, file)));
  if (!result.intact) context.negative();
  const { firstBad } = result;
  const where = firstBad === undefined ? '' : ` at ${plain(firstBad.file)}:${firstBad.line}`;
  context.print(result, (screen) => screen.line(verdictText(result, where, screen.paint)));
}

const COLUMNS: Column<AuditRecord>[] = [
  { title: 'POSITION', value: ({ position }) => String(position), alignRight: true },
  { title: 'STORED', value: ({ storedAt }) => storedAt ?? '-', whole: true },
  { title: 'WHAT', value: ({ kind, type }) => (kind === 'gap' ? 'GAP' : shortType(type)), style: gapStyle },
  { title: 'DEVICE', value: ({ device }) => device },
  { title: 'STREAM', value: ({ stream }) => stream },
  {
    title: 'SEQUENCE',
    value: ({ sequence, lastMissing }) =>
      lastMissing === undefined ? String(sequence) : `${sequence}..${lastMissing} missing`,
  },
  { title: 'HASH', value: ({ hash }) => hash.slice(0, 12) },
];

/** `decision.changed` of `dev.stance.decision.changed.v1`. */
function shortType(type = '-'): string {
  return type.replace(/^dev\.stance\./, '').replace(/\.v1$/, '');
}

function gapStyle({ kind }: AuditRecord) {
  return kind === 'gap' ? 'red' : undefined;
}

type Verdict = Pick<Verification, 'intact' | 'records' | 'gaps' | 'lastHash'> & {
  readonly firstBad?: { readonly position?: number | undefined; readonly problem: string } | undefined;
};

function verdictText({ intact, records, gaps, lastHash, firstBad }: Verdict, where: string, paint: Paint): string {
  const size = `${counted(records, 'record')}, ${counted(gaps, 'gap')}`;
  if (intact) return `${paint('green', 'intact')}: ${size}, last hash ${lastHash}`;
  const position = firstBad?.position === undefined ? '' : ` (position ${firstBad.position})`;
  return `${paint('red', 'broken')}${where}${position}: ${plain(firstBad?.problem ?? 'no reason given')}; ${size}`;
}
