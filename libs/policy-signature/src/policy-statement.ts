import { createHash } from 'node:crypto';
import { MAX_POLICY_SIGNATURE_CHARACTERS } from '@stance/contracts';
import { SshFormatError } from './ssh-wire.js';

/** What signatures of policies are made for: one by the same key for anything else counts for nothing here. */
export const NAMESPACE = 'stance-policy';

/** What a policy admin signs: which document, for which installation, and when. */
export interface PolicyStatement {
  /** Its name, as {@link isInstallationName} takes it: what was signed for one counts in no other. */
  readonly installation: string;
  /** Of the document's UTF-8 bytes, lower-case hex. */
  readonly sha256: string;
  /** Milliseconds since the epoch. */
  readonly signedAt: number;
}

/** What stands in `policy.yaml.sig`: a statement, and its signature as OpenSSH writes it. */
export interface SignedStatement {
  readonly statement: PolicyStatement;
  readonly signature: string;
}

const FIRST_LINE = 'stance policy statement 1';
const INSTALLATION = '[A-Za-z0-9][A-Za-z0-9._-]{0,99}';
const FORM = new RegExp(
  `^${FIRST_LINE}\\r?\\nfor: (${INSTALLATION})\\r?\\nsha256: ([0-9a-f]{64})\\r?\\nsigned-at: (\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z)\\r?\\n(-----BEGIN [^]*)$`,
);

/** Whether a text names an installation: 1 to 100 letters, digits, `.`, `_` and `-`, the first a letter or a digit. */
export function isInstallationName(text: string): boolean {
  return new RegExp(`^${INSTALLATION}$`).test(text);
}

/** For a message about a name that will not do. */
export const INSTALLATION_NAME = '1 to 100 letters, digits and . _ -, such as production';

/** The bytes that are signed. */
export function statementText({ installation, sha256, signedAt }: PolicyStatement): string {
  return `${FIRST_LINE}\nfor: ${installation}\nsha256: ${sha256}\nsigned-at: ${new Date(signedAt).toISOString()}\n`;
}

export function signatureFileText({ statement, signature }: SignedStatement): string {
  return `${statementText(statement)}${signature}`;
}

/**
 * The content of a document's signature file, for an installation; `sign` makes the SSH signature of a text. Throws what `sign`
 * throws.
 */
export function signPolicy(
  document: string,
  { installation, signedAt }: Omit<PolicyStatement, 'sha256'>,
  sign: (text: string) => string,
): string {
  const statement = { installation, sha256: sha256Of(document), signedAt };
  return signatureFileText({ statement, signature: sign(statementText(statement)) });
}

/**
 * Takes a signature file apart. What is verified afterwards is the text that its values give, so that nothing counts which
 * was not understood. Throws {@link SshFormatError}.
 */
export function readSignatureFile(text: string): SignedStatement {
  if (text.length > MAX_POLICY_SIGNATURE_CHARACTERS) {
    throw new SshFormatError(`it has ${text.length} characters and may have ${MAX_POLICY_SIGNATURE_CHARACTERS}`);
  }
  const [, installation = '', sha256 = '', time = '', signature = ''] = FORM.exec(text) ?? [];
  const signedAt = Date.parse(time);
  if (sha256 === '' || Number.isNaN(signedAt)) {
    throw new SshFormatError('it is not of the form that `stance policy sign` writes');
  }
  return { statement: { installation, sha256, signedAt }, signature };
}

export function sha256Of(document: string): string {
  return createHash('sha256').update(document).digest('hex');
}
