import { spawnSync } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '@stance/testing';
import { generatePolicyKey, signWithKeyFile } from './policy-key.js';
import { policyKeyLine } from './policy-keys.js';
import { NAMESPACE, signatureFileText, statementText } from './policy-statement.js';
import { adminsOf, DOCUMENT, NOW, statementOf } from './spec/admins.js';
import { verifyPolicy } from './verify-policy.js';

const isHere = spawnSync('ssh-keygen', ['-?']).error === undefined;
const withOpenSsh = isHere ? describe : describe.skip;

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const file = (name: string) => join(folder.path, name);
const statement = statementOf();
const text = statementText(statement);

/** Runs ssh-keygen to its end with the statement as input; resolves to what it printed. */
function sshKeygen(...options: string[]): { status: number | null; stdout: string } {
  const { status, stdout } = spawnSync('ssh-keygen', options, { input: text, encoding: 'utf8' });
  return { status, stdout };
}

withOpenSsh(`OpenSSH${isHere ? '' : ' (skipped: ssh-keygen is not here)'}`, () => {
  it('reads the keys that are made here, and verifies what they sign', async () => {
    const { privateKey, publicKey } = generatePolicyKey('ana@example.com');
    await writeFile(file('key'), privateKey);
    await chmod(file('key'), 0o600);
    expect(sshKeygen('-y', '-f', file('key'))).toEqual({ status: 0, stdout: publicKey });

    await writeFile(file('keys'), `${policyKeyLine('ana@example.com', publicKey)}\n`);
    await writeFile(file('signature'), signWithKeyFile(privateKey, text) ?? '');
    const verifying = ['-Y', 'verify', '-f', file('keys'), '-I', 'ana@example.com', '-s', file('signature'), '-n'];
    expect(sshKeygen(...verifying, NAMESPACE)).toMatchObject({ status: 0, stdout: expect.stringContaining('Good') });
    expect(sshKeygen(...verifying, 'git').status).not.toBe(0);
  });

  it.each(['sha512', 'sha256'])('signs with a key of its own what is verified here (%s)', async (hash) => {
    sshKeygen('-q', '-t', 'ed25519', '-N', '', '-C', 'ben', '-f', file('key'));
    const { stdout } = sshKeygen('-Y', 'sign', '-q', '-n', NAMESPACE, '-O', `hashalg=${hash}`, '-f', file('key'));
    const signature = signatureFileText({ statement, signature: stdout });
    const admins = adminsOf(policyKeyLine('ben', await readFile(file('key.pub'), 'utf8')));
    expect(verifyPolicy({ document: DOCUMENT, signature }, admins, NOW)).toMatchObject({ ok: true, signer: 'ben' });
  });

  it('takes the limits of a key from the same file', async () => {
    const { privateKey, publicKey } = generatePolicyKey('ana');
    const line = policyKeyLine('ana', publicKey).replace('namespaces', 'valid-before="20261101Z",namespaces');
    await writeFile(file('keys'), `${line}\n`);
    const signature = signWithKeyFile(privateKey, text) ?? '';
    await writeFile(file('signature'), signature);
    const verifying = ['-Y', 'verify', '-f', file('keys'), '-I', 'ana', '-n', NAMESPACE, '-s', file('signature')];
    expect(sshKeygen(...verifying, '-O', 'verify-time=20261031Z').status).toBe(0);
    expect(sshKeygen(...verifying, '-O', 'verify-time=20261121Z').status).not.toBe(0);
    const signed = { document: DOCUMENT, signature: signatureFileText({ statement, signature }) };
    expect(verifyPolicy(signed, adminsOf(line), NOW).ok).toBe(false);
  });

  it('keeps a key with a passphrase to itself', () => {
    sshKeygen('-q', '-t', 'ed25519', '-N', 'a passphrase', '-f', file('key'));
    return expect(readFile(file('key'), 'utf8').then((key) => signWithKeyFile(key, text))).resolves.toBeUndefined();
  });
});

it('a key file that is damaged signs nothing', () => {
  const { privateKey } = generatePolicyKey('ana');
  const damaged = privateKey.replace(/(?<=KEY-----\n)[^-]+(?=\n-----END)/, (base64) => {
    const bytes = Buffer.from(base64, 'base64');
    const firstOfContent = 98;
    bytes.writeUInt8(bytes.readUInt8(firstOfContent) ^ 1, firstOfContent);
    return bytes.toString('base64');
  });
  expect(() => signWithKeyFile(damaged, text)).toThrow('it is damaged');
});
