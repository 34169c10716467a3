import { readFileSync } from 'node:fs';
import { isNativeError } from 'node:util/types';
import { PolicyKeysInvalid, readPolicyKeys, type PolicyKeys } from '@stance/policy-signature';
import { SettingProblem, type Setting } from '@stance/service-kit';

/**
 * `STANCE_POLICY_KEYS_FILE`: read and checked at start, so that a wrong one ends the process with every problem named, and one
 * half written changes nothing about an engine that runs. `undefined`: policies need no signature.
 */
export const policyKeysSetting: Setting<PolicyKeys | undefined> = {
  description:
    "public keys of the policy admins, in the form of OpenSSH's allowed signers, read at start; with it, no policy comes into force without a signature by one of them",
  required: false,
  secret: false,
  // Any policy would come into force by a misspelt substitution.
  refusesEmpty: true,
  parse: (path) => {
    try {
      return readPolicyKeys(readFileSync(path, 'utf8'));
    } catch (error) {
      if (error instanceof PolicyKeysInvalid)
        throw new SettingProblem(`names ${path}, which has problems: ${error.message}`);
      throw new SettingProblem(`cannot be read: ${isNativeError(error) ? error.message : String(error)}`);
    }
  },
};
