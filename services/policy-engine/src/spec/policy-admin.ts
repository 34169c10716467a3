import {
  generatePolicyKey,
  policyKeyLine,
  signPolicy,
  signWithKeyFile,
  type PolicyKeyFiles,
} from '@stance/policy-signature';

/** Where the policies of the specs are in force. */
export const INSTALLATION = 'production';

/** Somebody with a key that signs policies. */
export class PolicyAdmin {
  private readonly files: PolicyKeyFiles;

  constructor(readonly name: string) {
    this.files = generatePolicyKey(name);
  }

  /** The line of a file of keys; `options` such as `valid-before="20270101Z"`. */
  line(options?: string): string {
    const line = policyKeyLine(this.name, this.files.publicKey);
    return options === undefined ? line : line.replace('namespaces=', `${options},namespaces=`);
  }

  /** The content of a document's signature file. */
  sign(document: string, signedAt = Date.now(), installation = INSTALLATION): string {
    return signPolicy(
      document,
      { installation, signedAt },
      (text) => signWithKeyFile(this.files.privateKey, text) ?? '',
    );
  }
}
