import { DeviceEvaluation, type CompiledPolicy, type PostureSubject } from '@stance/policy';
import { deserialise, type Verdict } from './decision.js';
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
  private readonly verdicts = new Map<string, Verdict>();

  constructor(
    /** Milliseconds. */
    readonly now: number,
    private readonly atHand: PostureAtHand | undefined,
  ) {}

  subject(posture: KnownPosture | undefined): PostureSubject | undefined {
    if (posture === this.posture) return this.read;
    this.evaluations.clear();
    if (posture === undefined) this.read = undefined;
    else this.read = this.atHand?.revision === posture.revision ? this.atHand.subject : subjectOf(posture);
    this.posture = posture;
    return this.read;
  }

  evaluation(compiled: CompiledPolicy, posture: KnownPosture | undefined): DeviceEvaluation {
    const subject = this.subject(posture);
    const known = this.evaluations.get(compiled) ?? new DeviceEvaluation(compiled, subject, this.now);
    this.evaluations.set(compiled, known);
    return known;
  }

  /** A verdict by the text that is stored of it: each gateway asks for those of all. */
  verdict(text: string): Verdict {
    const known = this.verdicts.get(text) ?? deserialise(text);
    this.verdicts.set(text, known);
    return known;
  }
}
