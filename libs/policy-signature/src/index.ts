export { generatePolicyKey, signWithKeyFile, type PolicyKeyFiles } from './policy-key.js';
export { policyKeyLine, PolicyKeysInvalid, readPolicyKeys, type PolicyKey, type PolicyKeys } from './policy-keys.js';
export {
  NAMESPACE,
  readSignatureFile,
  sha256Of,
  signPolicy,
  type PolicyStatement,
  type SignedStatement,
} from './policy-statement.js';
export { readSignature } from './ssh-signature.js';
export { SshFormatError } from './ssh-wire.js';
export { verifyPolicy, type SignatureVerdict, type SignedPolicy } from './verify-policy.js';
