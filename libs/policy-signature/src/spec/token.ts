import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { ED25519_ON_TOKEN, publicKeyBlob } from '../ssh-public-key.js';
import { armoured, sshString, sshUint32 } from '../ssh-wire.js';
import { NAMESPACE } from '../policy-statement.js';

const TOUCHED = 0x01;

/** A security token as OpenSSH uses it, in memory (OpenSSH's PROTOCOL.u2f). */
export class Token {
  private readonly pair = generateKeyPairSync('ed25519');
  private readonly blob = Buffer.concat([
    sshString(ED25519_ON_TOKEN),
    sshString(publicKeyBlob(this.pair.publicKey).subarray(-32)),
    sshString('ssh:'),
  ]);

  /** A line of a file of keys. */
  line(signer: string): string {
    return `${signer} ${ED25519_ON_TOKEN} ${this.blob.toString('base64')}`;
  }

  sign(message: string, { touched = true } = {}): string {
    const digest = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest();
    const framed = [sshString(NAMESPACE), sshString(''), sshString('sha256'), sshString(digest(message))];
    const signed = Buffer.concat([Buffer.from('SSHSIG'), ...framed]);
    const said = Buffer.concat([Buffer.of(touched ? TOUCHED : 0), sshUint32(7)]);
    const value = sign(null, Buffer.concat([digest('ssh:'), said, digest(signed)]), this.pair.privateKey);
    const signature = Buffer.concat([sshString(ED25519_ON_TOKEN), sshString(value), said]);
    const [namespace, reserved, hash] = [sshString(NAMESPACE), sshString(''), sshString('sha256')];
    const parts = [sshUint32(1), sshString(this.blob), namespace, reserved, hash, sshString(signature)];
    return armoured('SSH SIGNATURE', Buffer.concat([Buffer.from('SSHSIG'), ...parts]));
  }
}
