import { generatePolicyKey, signWithKeyFile, type PolicyKeyFiles } from '../policy-key.js';
import { policyKeyLine, readPolicyKeys, type PolicyKeys } from '../policy-keys.js';
import { signatureFileText, statementOf, statementText, type PolicyStatement } from '../policy-statement.js';

export const NOW = Date.parse('2026-11-21T08:00:00.000Z');
export const DOCUMENT = 'version: 1\n';

/** Somebody with a key pair. */
export class Admin {
  private readonly files: PolicyKeyFiles;

  constructor(readonly name: string) {
    this.files = generatePolicyKey(name);
  }

  get privateKey(): string {
    return this.files.privateKey;
  }

  get line(): string {
    return policyKeyLine(this.name, this.files.publicKey);
  }

  /** The line with more options, such as `valid-before="20261201Z"`. */
  lineWith(options: string): string {
    return this.line.replace('namespaces=', `${options},namespaces=`);
  }

  signature(document = DOCUMENT, signedAt = NOW): string {
    return this.signed(statementOf(document, signedAt));
  }

  signed(statement: PolicyStatement): string {
    const signature = signWithKeyFile(this.files.privateKey, statementText(statement)) ?? '';
    return signatureFileText({ statement, signature });
  }
}

export const keysOf = (...lines: string[]): PolicyKeys => readPolicyKeys(lines.join('\n'));
