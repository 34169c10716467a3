import type { Resource } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import { spanExporter } from './telemetry-exporters.js';
import type { SamplerName, TelemetryConfiguration } from './telemetry-settings.js';
import { TraceKeeper } from './trace-keeper.js';

/** Ended spans that wait to be sent, at most: some megabytes. More than the standard's 2,048, as mass revocations come at once. */
const DEFAULT_QUEUE = 8_192;
/** Characters of an attribute's value: error messages have no end of their own. */
const MAX_VALUE_LENGTH = 4_096;

/** Spans, of which {@link TraceKeeper} decides what is sent. */
export async function tracerProvider(
  config: TelemetryConfiguration,
  resource: Resource,
  environment: NodeJS.ProcessEnv,
): Promise<TracerProvider> {
  const number = (name: string) => positiveNumber(environment[name]);
  const protocol = config.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? config.OTEL_EXPORTER_OTLP_PROTOCOL;
  const sending = new BatchSpanProcessor({
    exporter: await spanExporter(protocol),
    maxQueueSize: number('OTEL_BSP_MAX_QUEUE_SIZE') ?? DEFAULT_QUEUE,
    maxExportBatchSize: number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE') ?? 512,
    scheduledDelayMillis: number('OTEL_BSP_SCHEDULE_DELAY') ?? 5_000,
    exportTimeoutMillis: number('OTEL_BSP_EXPORT_TIMEOUT') ?? 30_000,
  });
  const name = config.OTEL_TRACES_SAMPLER;
  const keeper = new TraceKeeper(sending, {
    root: rootSampler(name, config.OTEL_TRACES_SAMPLER_ARG),
    routine: new TraceIdRatioBasedSampler(config.STANCE_TRACES_ROUTINE_RATIO),
    isParentBased: name.startsWith('parentbased_'),
    maxHeld: config.STANCE_TRACES_HELD_SPANS,
  });
  return new TracerProvider({
    resource,
    sampler: keeper,
    spanProcessors: [keeper],
    spanLimits: { attributeValueLengthLimit: number('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT') ?? MAX_VALUE_LENGTH },
  });
}

function rootSampler(name: SamplerName, ratio: number): Sampler {
  if (name.endsWith('always_on')) return new AlwaysOnSampler();
  return name.endsWith('always_off') ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio);
}

/** `undefined` for what is none: the specification wants the default then. */
function positiveNumber(value: string | undefined): number | undefined {
  const number = Number(value ?? '');
  return Number.isFinite(number) && number > 0 ? number : undefined;
}
