import { SpanKind } from '@opentelemetry/api';
import { currentTraceparent, inSpan, newTraceparent, TRACE_PRIORITY } from '@stance/jetstream';

/** What an observation is to what is known: only a change, or an agent that goes, is more than routine. */
export type Sight = 'first' | 'changed' | 'confirmed' | 'gone';

/** Observations that go on in the trace of the answer that showed them: with more of them nobody could read it. */
const MAX_CONTINUED = 16;

/** The trace of one answer of the console, and the traces of what it shows. */
export class AnswerTrace {
  constructor(
    /** Of the request; undefined where OpenTelemetry is off. */
    private readonly traceparent: string | undefined,
    private left = MAX_CONTINUED,
  ) {}

  /**
   * Runs `work` in the span of an observation, with the `traceparent` to publish by. The first changes of an answer go on in
   * its trace, which is thereby kept; further ones, and routine, get traces of their own that link to it.
   */
  observe<Result>(
    { source, agentId }: { readonly source: string; readonly agentId: string },
    sight: Sight,
    work: (traceparent: string) => Promise<Result>,
  ): Promise<Result> {
    const isRoutine = sight === 'first' || sight === 'confirmed';
    const continues = this.traceparent !== undefined && !isRoutine && this.left > 0;
    if (continues) this.left -= 1;
    const attributes = {
      'stance.source': source,
      'stance.agent.id': agentId,
      'stance.sight': sight,
      [TRACE_PRIORITY]: isRoutine ? 'routine' : 'always',
    };
    const place = continues ? { traceparent: this.traceparent } : { root: true, links: [this.traceparent] };
    return inSpan('observe agent', { kind: SpanKind.INTERNAL, attributes, ...place }, () =>
      work(currentTraceparent(undefined) ?? newTraceparent()),
    );
  }
}
