export { CHAIN_START, hashOf, linkTo, type AuditRecord, type ChainEnd, type RecordContent } from './chain.js';
export { accountedUpTo, ChainVerifier } from './chain-verifier.js';
