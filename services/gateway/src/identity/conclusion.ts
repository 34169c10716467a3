import { isProofEnough, type DeviceProof } from '@stance/contracts';
import type { Proved } from './identity.js';
import { ProofRefused } from './proof-refused.js';

/** Which device one valid proof names. */
export interface DeviceFinding {
  readonly deviceId: string;
  readonly proof: DeviceProof;
  /** The proof in words, as in `the client certificate`. */
  readonly by: string;
}

/** Which user one valid proof names. */
export interface UserFinding {
  readonly user: string;
  readonly by: string;
}

/**
 * What valid proofs prove together: undefined where none is of a device. Throws {@link ProofRefused} where two disagree; a
 * user's name is the same in upper and lower case, and counts as the first proof has it. Pure.
 */
export function conclude(devices: readonly DeviceFinding[], users: readonly UserFinding[]): Proved | undefined {
  agree(devices, ({ deviceId }) => deviceId);
  agree(users, ({ user }) => user.toLowerCase());
  const deviceId = devices[0]?.deviceId;
  if (deviceId === undefined) return undefined;
  const { proof } = devices.reduce((best, one) => (isProofEnough(one.proof, best.proof) ? one : best));
  const user = users[0]?.user;
  return user === undefined ? { outcome: 'proved', deviceId, proof } : { outcome: 'proved', deviceId, proof, user };
}

function agree<Finding extends { readonly by: string }>(
  findings: readonly Finding[],
  nameOf: (finding: Finding) => string,
): void {
  if (findings.length < 2) return;
  const [first, ...others] = findings;
  const other = first && others.find((finding) => nameOf(finding) !== nameOf(first));
  if (first === undefined || other === undefined) return;
  throw new ProofRefused(
    `Two proofs disagree: ${first.by} is of ${nameOf(first)}, ${other.by} is of ${nameOf(other)}. Send those of one only.`,
  );
}
