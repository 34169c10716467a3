import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { newSigners, type Signers } from './operator.js';
import { UnusableAuthFolder } from './errors.js';
import { writePrivateFile } from './private-file.js';

/** Who signs in a folder, and for each account that is new one that is made. Throws {@link UnusableAuthFolder}. */
export async function signersIn(folder: string, accounts: readonly { readonly name: string }[]): Promise<Signers> {
  const file = join(folder, 'signing.json');
  const known = existsSync(file) ? readSigners(file) : undefined;
  const signers = await newSigners(accounts, known);
  writePrivateFile(file, `${JSON.stringify(signers, null, 2)}\n`);
  return signers;
}

function readSigners(file: string): Partial<Signers> {
  try {
    const signers = JSON.parse(readFileSync(file, 'utf8')) as Partial<Signers>;
    if (typeof signers.operator === 'string' && typeof signers.accounts === 'object') return signers;
  } catch (error) {
    throw new UnusableAuthFolder(`${file} cannot be read: restore it, or every credential has to be made anew`, {
      cause: error,
    });
  }
  throw new UnusableAuthFolder(`${file} does not hold the seeds of an operator and its accounts`);
}
