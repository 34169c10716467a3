export { generatePolicyKey, signWithKeyFile, type PolicyKeyFiles } from './policy-key.js';
export { policyKeyLine, PolicyKeysInvalid, readPolicyKeys, type PolicyKey, type PolicyKeys } from './policy-keys.js';
export {
  INSTALLATION_NAME,
  isInstallationName,
  NAMESPACE,
  readSignatureFile,
  sha256Of,
  signPolicy,
  type PolicyStatement,
  type SignedStatement,
} from './policy-statement.js';
export { readSignature } from './ssh-signature.js';
export { SshFormatError } from './ssh-wire.js';
export {
  NOT_WELL_FORMED,
  verifyPolicy,
  type PolicyAdmins,
  type SignatureVerdict,
  type SignedPolicy,
} from './verify-policy.js';
