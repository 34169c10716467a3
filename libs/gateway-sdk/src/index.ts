export { Afterwards } from './afterwards.js';
export { connectGateway, Gateway } from './gateway.js';
export type { GatewayHealth, GatewayOptions } from './gateway-options.js';
export type { Verdict } from './verdict.js';
export type { Revisions } from './decision-cache.js';
export type { Enforced } from './reaction.js';
export {
  DEFAULT_LIFETIME_MS,
  MAX_LIFETIME_MS,
  SessionDenied,
  SessionInvalid,
  TooManySessions,
  type AccessRequest,
  type EndCause,
  type Enforcement,
  type LiveSessions,
  type Revocation,
  type Session,
  type SessionKey,
  type SessionRequest,
} from './session.js';
