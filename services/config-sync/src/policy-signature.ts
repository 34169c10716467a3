import { readSignatureFile, sha256Of, SshFormatError } from '@stance/policy-signature';
import { describeProblem } from './file-problem.js';
import type { FileContent } from './watched-file.js';

/** Where the signature of a policy file is, whether there has to be one, and for which installation. */
export interface PolicySignatureFile {
  readonly file: string;
  readonly isRequired: boolean;
  /** Undefined: for which is left to the engine. */
  readonly installation: string | undefined;
}

/** A document and the signature beside it. */
export interface SignedDocument {
  readonly document: string;
  readonly sha256: string;
  readonly signature: string | undefined;
  /** When it was signed, as the signature says (milliseconds since the epoch); undefined where there is none. */
  readonly signedAt: number | undefined;
}

type WithSignature =
  { readonly ok: true; readonly signed: SignedDocument } | { readonly ok: false; readonly problem: string };

/** The setting's, or the policy file's name with `.sig` behind it. */
export function policySignatureOf(
  policyFile: string,
  setting: string | undefined,
  installation: string | undefined,
): PolicySignatureFile {
  return { file: setting ?? `${policyFile}.sig`, isRequired: setting !== undefined, installation };
}

/**
 * Puts a document and the content of its signature file together, unless they do not fit. Whether the signer may sign is left
 * to the engine, which has the keys. Pure.
 */
export function withSignature(
  document: string,
  content: FileContent | undefined,
  { file, isRequired, installation }: PolicySignatureFile,
): WithSignature {
  const refuse = (message: string): WithSignature => ({ ok: false, problem: describeProblem(file, { message }) });
  const sha256 = sha256Of(document);
  const unsigned = { document, sha256, signature: undefined, signedAt: undefined };
  if (content === undefined) return { ok: true, signed: unsigned };
  if (!content.readable) {
    if (content.isMissing && !isRequired) return { ok: true, signed: unsigned };
    return refuse(`the signature cannot be read: ${content.reason}`);
  }
  const signature = content.bytes.toString('utf8');
  try {
    const { statement } = readSignatureFile(signature);
    if (statement.sha256 !== sha256)
      return refuse('it is the signature of another document: sign the policy again, with `stance policy sign`');
    if (installation !== undefined && statement.installation !== installation) {
      const isFor = `it is the signature for the installation ${statement.installation}, and this one is ${installation}`;
      return refuse(`${isFor}: sign the policy with \`stance policy sign --for ${installation}\``);
    }
    return { ok: true, signed: { ...unsigned, signature, signedAt: statement.signedAt } };
  } catch (error) {
    if (error instanceof SshFormatError) return refuse(`the signature cannot be read: ${error.message}`);
    throw error;
  }
}

/** When a published document was signed, as its signature says; undefined where that cannot be read. */
export function signedAtOf(signature: string | undefined): number | undefined {
  if (signature === undefined) return undefined;
  try {
    return readSignatureFile(signature).statement.signedAt;
  } catch (error) {
    // The engine refuses it, with the reason.
    if (error instanceof SshFormatError) return undefined;
    throw error;
  }
}
