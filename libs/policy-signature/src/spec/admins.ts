import { generatePolicyKey, signWithKeyFile, type PolicyKeyFiles } from '../policy-key.js';
import { policyKeyLine, readPolicyKeys } from '../policy-keys.js';
import { sha256Of, signatureFileText, statementText, type PolicyStatement } from '../policy-statement.js';
import type { PolicyAdmins } from '../verify-policy.js';

export const NOW = Date.parse('2026-11-21T08:00:00.000Z');
export const DOCUMENT = 'version: 1\n';
const INSTALLATION = 'production';

export function statementOf(document = DOCUMENT, signedAt = NOW, installation = INSTALLATION): PolicyStatement {
  return { installation, sha256: sha256Of(document), signedAt };
}

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

/** Those whose lines these are, where policies are signed in the specs. */
export const adminsOf = (...lines: string[]): PolicyAdmins => ({
  keys: readPolicyKeys(lines.join('\n')),
  installation: INSTALLATION,
});
