export type {
  AttributeDefinition,
  AttributeDefinitions,
  AttributeOrigin,
  AttributeType,
} from './attributes/definition.js';
export { ATTRIBUTES, attributeDefinition } from './attributes/catalogue.js';
export { isClean } from './attributes/clean.js';
export { isSameValue, worseOf, type Worse } from './attributes/worse.js';
export { attributeCatalogueMarkdown } from './attributes/document.js';
export type { Condition } from './conditions/condition.js';
export type { PolicyLimits } from './document/meaning-errors.js';
export { policyJsonSchema } from './document/schema.js';
export { formatDuration, parseDuration } from './duration.js';
export type {
  Exception,
  Gateway,
  Hold,
  Mode,
  Policy,
  PolicyError,
  PolicyTest,
  Posture,
  Requirement,
  Rule,
} from './policy.js';
export { DEFAULT_HOLD_ABOVE, DEFAULT_MAX_AGE, DEFAULT_REARM, parsePolicy, type ParsedPolicy } from './parse-policy.js';
export { compilePolicy, type CompiledGateway, type CompiledPolicy } from './evaluation/compile-policy.js';
export { effectOn } from './evaluation/effects.js';
export {
  DeviceEvaluation,
  evaluateGateway,
  gatewaysOf,
  UnknownGateway,
  type Evaluation,
} from './evaluation/evaluate.js';
export { explain, type PolicyExplanation } from './evaluation/explain.js';
export { prepareSubject, type PostureSubject, type PreparedSubject } from './evaluation/subject.js';
export { mergeGraces } from './evaluation/merge-graces.js';
export { NO_PAST, pastOf, type Past, type PastDecision } from './evaluation/past.js';
export * from './import/index.js';
export { runPolicyTests, type PolicyTestMismatch, type PolicyTestResult } from './policy-tests/run-policy-tests.js';
export { compareVersions, parseVersion, type Version } from './version.js';
