import { DeviceEvaluation, type CompiledPolicy, type PostureSubject } from '@stance/policy';
import { subjectOf, type KnownPosture } from './engine.store.js';

/** A posture that has just been delivered: saves reading it from its bytes. */
export interface PostureAtHand {
  readonly revision: number;
  readonly subject: PostureSubject;
}

/**
 * A device at one moment. What is read and found out about it serves all gateways, and looking again when a decision is
 * written, as long as its posture is the same.
 */
export class DeviceAt {
  private posture: KnownPosture | undefined;
  private read: PostureSubject | undefined;
  private readonly evaluations = new Map<CompiledPolicy, DeviceEvaluation>();

  constructor(
    /** Milliseconds. */
    readonly now: number,
    private readonly atHand: PostureAtHand | undefined,
  ) {}

  subject(posture: KnownPosture | undefined): PostureSubject | undefined {
    if (posture === this.posture) return this.read;
    this.posture = posture;
    this.evaluations.clear();
    if (posture === undefined) this.read = undefined;
    else this.read = this.atHand?.revision === posture.revision ? this.atHand.subject : subjectOf(posture);
    return this.read;
  }

  evaluation(compiled: CompiledPolicy, posture: KnownPosture | undefined): DeviceEvaluation {
    const subject = this.subject(posture);
    const known = this.evaluations.get(compiled) ?? new DeviceEvaluation(compiled, subject, this.now);
    this.evaluations.set(compiled, known);
    return known;
  }
}
