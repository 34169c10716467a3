import type { EventContract } from './event.js';
import { AgentMatched, AgentObserved } from './events/agent.js';
import { AuditRecorded } from './events/audit.js';
import { BreakGlassUsed } from './events/break-glass.js';
import { DeadLettered } from './events/dead-letter.js';
import { DecisionChanged } from './events/decision.js';
import { DeviceRecorded } from './events/device.js';
import { EngineReported } from './events/engine.js';
import { OperatorActed } from './events/operator.js';
import { PolicyActivated, PolicyPublished } from './events/policy.js';
import { PostureChanged } from './events/posture.js';
import { SessionEnded, SessionRevoked, SessionStarted, SessionsUsed } from './events/session.js';
import { SourceReported } from './events/source.js';
import { TimerDue, TimerSet } from './events/timer.js';

/** Every event, in the order in which a posture change causes them. */
export const EVENTS = [
  SourceReported,
  AgentObserved,
  DeviceRecorded,
  AgentMatched,
  PostureChanged,
  PolicyPublished,
  PolicyActivated,
  TimerSet,
  TimerDue,
  DecisionChanged,
  EngineReported,
  SessionStarted,
  SessionRevoked,
  SessionsUsed,
  SessionEnded,
  OperatorActed,
  BreakGlassUsed,
  AuditRecorded,
  DeadLettered,
] as const satisfies readonly EventContract[];

/** The contract whose subjects a NATS subject belongs to. */
export function contractOfSubject(subject: string): EventContract | undefined {
  return EVENTS.find(({ subjectPrefix, keys }: EventContract) =>
    subject === subjectPrefix ? keys.length === 0 : keys.length > 0 && subject.startsWith(`${subjectPrefix}.`),
  );
}
