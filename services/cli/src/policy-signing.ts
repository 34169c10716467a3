import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import {
  INSTALLATION_NAME,
  isInstallationName,
  NAMESPACE,
  PolicyKeysInvalid,
  readPolicyKeys,
  readSignature,
  readSignatureFile,
  sha256Of,
  signPolicy,
  signWithKeyFile,
  SshFormatError,
  type PolicyAdmins,
  type PolicyKeys,
} from '@stance/policy-signature';
import { WrongUsage } from './errors.js';

/** The installation that `--for`, or `STANCE_INSTALLATION`, names; `undefined` where neither does. Throws {@link WrongUsage}. */
export function installationIn(option: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const name = option ?? env['STANCE_INSTALLATION'];
  if (name === undefined || (name === '' && option === undefined)) return undefined;
  if (isInstallationName(name)) return name;
  throw new WrongUsage(`--for, or STANCE_INSTALLATION, takes ${INSTALLATION_NAME}, not "${name}"`);
}

/** The same where one has to be named. */
export function requiredInstallation(option: string | undefined, env: NodeJS.ProcessEnv): string {
  const name = installationIn(option, env);
  if (name !== undefined) return name;
  throw new WrongUsage(
    'say with --for, or STANCE_INSTALLATION, for which installation the policy is signed, as STANCE_INSTALLATION of its policy-engine',
  );
}

/** Which key signs, for which installation, and the environment of this process, in which OpenSSH finds its agent. */
export interface SigningKey {
  readonly file: string;
  readonly installation: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Signs a document as of now; the content of its signature file. A key with a passphrase, on a token or in an agent is left to
 * `ssh-keygen`, which asks for what it needs. Throws {@link WrongUsage}.
 */
export function signDocument(document: string, key: SigningKey): string {
  const content = contentOf(key.file);
  return signPolicy(document, { installation: key.installation, signedAt: Date.now() }, (text) => {
    const signature = withFileNamed(key.file, () => signWithKeyFile(content, text)) ?? signWithOpenSsh(text, key);
    // Says of another type of key what may be used instead, before anybody relies on it.
    withFileNamed(key.file, () => readSignature(signature));
    return signature;
  });
}

/**
 * A signature that was made before, provided that it is this document's and, if one is named, for this installation. Throws
 * {@link WrongUsage}.
 */
export function signatureOf(document: string, file: string, installation?: string): string {
  const content = contentOf(file);
  const { statement } = withFileNamed(file, () => readSignatureFile(content));
  if (statement.sha256 !== sha256Of(document))
    throw new WrongUsage(`${file} is the signature of another document: sign this one, with \`stance policy sign\``);
  if (installation === undefined || statement.installation === installation) return content;
  throw new WrongUsage(
    `${file} is a signature for the installation ${statement.installation}, not for ${installation}: sign the policy for it, ` +
      `with \`stance policy sign --for ${installation}\``,
  );
}

/** The options by which a command knows whose signature counts, and where. */
export interface AdminsOptions {
  readonly keys?: string;
  readonly for?: string;
}

/** The policy admins of an installation, by options or the environment. Throws {@link WrongUsage}. */
export function policyAdminsIn(options: AdminsOptions, env: NodeJS.ProcessEnv): PolicyAdmins {
  return {
    keys: policyKeysIn(options.keys ?? env['STANCE_POLICY_KEYS_FILE']),
    installation: requiredInstallation(options.for, env),
  };
}

function policyKeysIn(file: string | undefined): PolicyKeys {
  if (file === undefined || file === '') {
    throw new WrongUsage(
      'say with --keys, or STANCE_POLICY_KEYS_FILE, which file has the public keys of the policy admins',
    );
  }
  try {
    return readPolicyKeys(contentOf(file));
  } catch (error) {
    if (error instanceof PolicyKeysInvalid)
      throw new WrongUsage(`${file} has problems: ${error.message}`, { cause: error });
    throw error;
  }
}

function signWithOpenSsh(text: string, { file, env }: SigningKey): string {
  const options = ['-Y', 'sign', '-q', '-n', NAMESPACE, '-f', file];
  // What it asks for, such as a passphrase or a touch, it asks on the terminal.
  const { error, status, stdout } = spawnSync('ssh-keygen', options, {
    input: text,
    env,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (error !== undefined) {
    throw new WrongUsage(`the key in ${file} needs \`ssh-keygen\` of OpenSSH, which does not run: ${error.message}`, {
      cause: error,
    });
  }
  if (status !== 0) throw new WrongUsage(`\`ssh-keygen\` did not sign with the key in ${file}: see what it said`);
  return stdout;
}

function withFileNamed<Result>(file: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof SshFormatError)
      throw new WrongUsage(`${file} cannot be used: ${error.message}`, { cause: error });
    throw error;
  }
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WrongUsage(`${file} cannot be read: ${why}`, { cause: error });
  }
}
