import { NAMESPACE } from './policy-statement.js';
import { printable, readPublicKey, type SshPublicKey } from './ssh-public-key.js';
import { SshFormatError } from './ssh-wire.js';

/** A key whose signature puts a policy into force. */
export interface PolicyKey {
  /** Whose it is, as the file of keys says. */
  readonly signer: string;
  readonly publicKey: SshPublicKey;
  /** Milliseconds since the epoch: signatures from before or after count for nothing. */
  readonly validAfter: number;
  readonly validBefore: number;
}

/** Keys by their fingerprint. */
export type PolicyKeys = ReadonlyMap<string, PolicyKey>;

/** Thrown for a file of keys that cannot be used; every problem with its line. */
export class PolicyKeysInvalid extends Error {
  override readonly name = 'PolicyKeysInvalid';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
  }
}

/** Such as `cert-authority` or `namespaces="git,stance-policy"`; values are quoted. */
const OPTION = /^([a-z-]+)(?:="([^"]*)")?(?:,|$)/i;
const LINE = /^(\S+)\s+((?:[^\s"]|"[^"]*")+)\s+(\S+)(?:\s+(\S+))?/;
const KEY_TYPE = /^(?:sk-)?(?:ssh|ecdsa)-/;

/**
 * Reads the file of keys, in the form of OpenSSH's allowed signers (ssh-keygen(1)): whose key it is, options, key. Lines for
 * other namespaces are left out. Throws {@link PolicyKeysInvalid}, for a file without any key too.
 */
export function readPolicyKeys(text: string): PolicyKeys {
  const keys = new Map<string, PolicyKey>();
  const problems: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    try {
      const key = keyOf(entry);
      if (key === undefined) continue;
      const { fingerprint } = key.publicKey;
      if (keys.has(fingerprint)) throw new SshFormatError(`the key ${fingerprint} is there twice`);
      keys.set(fingerprint, key);
    } catch (error) {
      if (!(error instanceof SshFormatError)) throw error;
      problems.push(`line ${index + 1}: ${error.message}`);
    }
  }
  if (problems.length === 0 && keys.size === 0) {
    problems.push(`it names no key for ${NAMESPACE}, so that no policy could ever come into force`);
  }
  if (problems.length > 0) throw new PolicyKeysInvalid(problems);
  return keys;
}

/** The line of a file of keys that lets a key sign policies and nothing else. */
export function policyKeyLine(signer: string, publicKey: string): string {
  const [type, key] = publicKey.split(' ');
  return `${signer} namespaces="${NAMESPACE}" ${type} ${key}`;
}

function keyOf(entry: string): PolicyKey | undefined {
  const [, signer = '', second = '', third = '', fourth = ''] = LINE.exec(entry) ?? [];
  const hasOptions = !KEY_TYPE.test(second);
  const [type, base64] = hasOptions ? [third, fourth] : [second, third];
  if (!KEY_TYPE.test(type)) {
    throw new SshFormatError(`it has to be: <name> namespaces="${NAMESPACE}" ssh-ed25519 <key>`);
  }
  const options = hasOptions ? optionsOf(second) : new Map<string, string>();
  const namespaces = options.get('namespaces')?.split(',') ?? [NAMESPACE];
  if (!namespaces.includes(NAMESPACE)) return undefined;
  const blob = Buffer.from(base64, 'base64');
  if (blob.toString('base64') !== base64) throw new SshFormatError('the key is not whole');
  const publicKey = readPublicKey(blob);
  if (publicKey.type !== type) throw new SshFormatError(`it is said to be ${printable(type)} and is ${publicKey.type}`);
  return {
    signer,
    publicKey,
    validAfter: timeOf(options.get('valid-after')) ?? -Infinity,
    validBefore: timeOf(options.get('valid-before')) ?? Infinity,
  };
}

const OPTIONS = ['namespaces', 'valid-after', 'valid-before'];

function optionsOf(text: string): Map<string, string> {
  const options = new Map<string, string>();
  for (let rest = text; rest !== '';) {
    const [whole, name = '', value] = OPTION.exec(rest) ?? [];
    if (whole === undefined) throw new SshFormatError(`${printable(rest)} is no option with a quoted value`);
    const option = name.toLowerCase();
    if (!OPTIONS.includes(option) || value === undefined || options.has(option)) {
      throw new SshFormatError(`${printable(whole)} is not taken: options are ${OPTIONS.join(', ')}, each once`);
    }
    options.set(option, value);
    rest = rest.slice(whole.length);
  }
  return options;
}

/** OpenSSH takes a time without `Z` as that of the zone it runs in; services and people are seldom in the same one. */
function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?Z$/.exec(text);
  const [, year, month, day, hour = '00', minute = '00', second = '00'] = match ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(time))
    throw new SshFormatError(`${printable(text)} is no time in UTC such as 20270131Z or 202701311800Z`);
  return time;
}
