import { open } from 'node:fs/promises';
import { ChainVerifier } from '@stance/audit-chain';
import { WrongUsage } from '../errors.js';
import { accessing } from './trail-file.js';
import { contentOf } from './trail-line.js';

/** What came of verifying exported files. */
export interface FileVerification {
  /** Records that fit, gaps included, up to the first that does not. */
  readonly records: number;
  readonly gaps: number;
  readonly intact: boolean;
  readonly lastHash: string;
  readonly firstBad?: FirstBad;
}

export interface FirstBad {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly streamSequence?: number;
  readonly position?: number;
  readonly problem: string;
}

/** Verifies files as one chain, in the order given: the parts of a trail, from its first record on. */
export async function verifyFiles(files: readonly string[]): Promise<FileVerification> {
  const verifier = new ChainVerifier();
  const firstBad = await firstBadOf(files, verifier);
  const { records, gaps, end } = verifier;
  return { records, gaps, intact: firstBad === undefined, lastHash: end.hash, ...(firstBad && { firstBad }) };
}

async function firstBadOf(files: readonly string[], verifier: ChainVerifier): Promise<FirstBad | undefined> {
  for (const file of files) {
    let line = 0;
    for await (const { text, whole } of linesOf(file)) {
      line += 1;
      if (!whole) return { file, line, problem: 'it is torn: export to the file again, which goes on before it' };
      const content = contentOf(text);
      const record = 'record' in content ? content.record : undefined;
      const problem = 'problem' in content ? content.problem : verifier.check(content.record);
      if (problem === undefined) continue;
      const { streamSequence } = content;
      const position = record?.position;
      return {
        file,
        line,
        ...(streamSequence !== undefined && { streamSequence }),
        ...(position !== undefined && { position }),
        problem,
      };
    }
    if (line === 0) return { file, line: 1, problem: 'there is no record in this file' };
  }
  return undefined;
}

/** Longer than any record. */
const LONGEST_LINE = 8 * 1024 * 1024;

/** The lines of a file; only the last may not be whole, or one that is too long for a record. */
async function* linesOf(path: string): AsyncGenerator<{ text: string; whole: boolean }> {
  const handle = await accessing(path, () => open(path, 'r'));
  if ((await handle.stat()).isDirectory()) {
    await handle.close();
    throw new WrongUsage(`${path} is a folder: name the file`);
  }
  let rest = '';
  for await (const chunk of handle.createReadStream({ encoding: 'utf8' })) {
    const lines = `${rest}${String(chunk)}`.split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) yield { text, whole: true };
    if (rest.length > LONGEST_LINE) break;
  }
  if (rest !== '') yield { text: rest, whole: false };
}
