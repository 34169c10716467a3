import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { PolicyPublished, type DataOf, type EventOf, type PolicyActivated } from '@stance/contracts';
import { JetStreamContext, OnEvent, Unprocessable } from '@stance/jetstream';
import { isSettledBy, type Admission, type LastWord } from './admission.js';
import { CLOCK, type Clock } from './clock.js';
import { EngineReport } from './engine-report.js';
import { TABLES, type Tables } from './engine.store.js';
import { FleetReview } from './fleet-review.js';
import { leastMaxAge } from './least-max-age.js';
import { loadPolicy, reloadPolicy, type LoadedPolicy, type PublishedPolicy } from './loaded-policy.js';
import { ENGINE_COUNTS, type EngineCounts } from './metrics.js';
import { PolicyLog } from './policy-log.js';

/** Puts a published policy into force, or refuses it and leaves the one before. */
@Controller()
export class PolicyPublishedHandler {
  constructor(
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(PolicyLog) private readonly policies: PolicyLog,
    @Inject(FleetReview) private readonly review: FleetReview,
    @Inject(EngineReport) private readonly report: EngineReport,
    @Inject(ENGINE_COUNTS) private readonly counts: Pick<EngineCounts, 'refusedForSignature'>,
    @Inject(CLOCK) private readonly now: Clock,
  ) {}

  @OnEvent(PolicyPublished)
  async handle(@Payload() { data }: EventOf<typeof PolicyPublished>, @Ctx() context: JetStreamContext): Promise<void> {
    this.policies.remember(data);
    if (this.policies.isTaken(data)) {
      throw new Unprocessable(`revision ${data.revision} is another document's: publish it again as a new revision`);
    }
    if (!this.policies.isNewerThanActive(data.revision)) return;
    const admission = this.policies.admission(data, this.now());
    const policy = this.judge(data, admission);
    const { needsSignature } = this.policies;
    // What became of it is stored before it takes effect, so that a restart comes to the same policy.
    const stored = await this.tables.activations.write({}, context.origin, (last) => {
      const word = last && this.lastWord(last, context.sequence);
      if (word !== undefined && isSettledBy(word, data.revision, { admission, needsSignature })) return undefined;
      return {
        data: {
          revision: data.revision,
          outcome: policy.ok ? 'active' : 'refused',
          ...(admission.ok && admission.signature !== undefined && { signer: admission.signature.signer }),
          ...(policy.ok && policy.compiled.policy.mode === 'report' && { mode: 'report' as const }),
          errors: policy.ok ? [] : policy.errors.slice(0, 100),
        },
      };
    });
    if (stored !== undefined && needsSignature && !admission.ok) this.counts.refusedForSignature();
    const settled = this.tables.activations.get({});
    if (settled?.revision !== data.revision) return;
    if (settled.outcome === 'refused' || !admission.ok) return this.policies.refused(data.revision);
    // Stored before, and not confirmed: its own tests have been passed, whatever they say by now.
    const usable = policy.ok ? policy : reloadPolicy(data);
    if (!usable.ok) return;
    this.policies.activate(usable, admission.signature);
    this.review.start(`policy-${data.revision}`, context.cause);
    // A gateway that is named for the first time need not wait for the next regular report.
    await this.report.report();
  }

  private judge(published: PublishedPolicy, admission: Admission): LoadedPolicy {
    if (!admission.ok) return { ok: false, revision: published.revision, errors: [{ message: admission.reason }] };
    return loadPolicy(published, this.now(), { leastMaxAge: leastMaxAge(this.tables.sources.values()) });
  }

  private lastWord(activation: DataOf<typeof PolicyActivated>, publishedAt: number): LastWord {
    const cameAfter = (this.tables.activations.sequenceOf({}) ?? 0) > publishedAt;
    return { activation, cameAfter, isPublished: this.policies.isPublished(activation.revision) };
  }
}
