import { setTimeout as sleep } from 'node:timers/promises';
import { context, metrics } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

/** OpenTelemetry of the process: metrics always, for `/metrics`; traces and OTLP only when an endpoint is set. */
export interface Telemetry {
  readonly prometheus: PrometheusExporter;
  readonly shutdown: () => Promise<void>;
}

let started: Promise<Telemetry> | undefined;

/** Starts telemetry once per process, however many services run in it. */
export function startTelemetry(serviceName: string, environment: NodeJS.ProcessEnv): Promise<Telemetry> {
  started ??= isConfigured(environment) ? startSdk(serviceName, environment) : startLocal();
  return started;
}

/** Sends what is still to be sent, as before the process ends; whatever is not taken in time is lost. */
export async function stopTelemetry(limitMs = 2_000): Promise<void> {
  const telemetry = await started;
  if (telemetry === undefined) return;
  const limit = new AbortController();
  try {
    await Promise.race([telemetry.shutdown(), sleep(limitMs, undefined, { signal: limit.signal })]);
  } finally {
    limit.abort();
  }
}

type Signal = 'TRACES' | 'METRICS';

/** Whether a signal has an endpoint and is not switched off. */
function isExported(signal: Signal, environment: NodeJS.ProcessEnv): boolean {
  const isSet = (name: string) => (environment[name] ?? '') !== '';
  if (environment['OTEL_SDK_DISABLED'] === 'true' || environment[`OTEL_${signal}_EXPORTER`] === 'none') return false;
  return isSet('OTEL_EXPORTER_OTLP_ENDPOINT') || isSet(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`);
}

function isConfigured(environment: NodeJS.ProcessEnv): boolean {
  return isExported('TRACES', environment) || isExported('METRICS', environment);
}

function prometheusReader(): PrometheusExporter {
  return new PrometheusExporter({ preventServerStart: true });
}

async function startLocal(): Promise<Telemetry> {
  // Without it an incoming trace would be lost between a message and what is published because of it.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const prometheus = prometheusReader();
  const provider = new MeterProvider({ readers: [prometheus] });
  metrics.setGlobalMeterProvider(provider);
  return { prometheus, shutdown: () => provider.shutdown() };
}

async function startSdk(serviceName: string, environment: NodeJS.ProcessEnv): Promise<Telemetry> {
  // Loaded only when wanted: it brings every exporter and a tenth of a second with it.
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-proto');
  const { PeriodicExportingMetricReader } = await import('@opentelemetry/sdk-metrics');
  const prometheus = prometheusReader();
  const sdk = new NodeSDK({
    ...((environment['OTEL_SERVICE_NAME'] ?? '') === '' && { serviceName }),
    metricReaders: isExported('METRICS', environment)
      ? [prometheus, new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })]
      : [prometheus],
    // Left out, they would be sent to the default endpoint; logs go to stdout.
    ...(!isExported('TRACES', environment) && { spanProcessors: [] }),
    logRecordProcessors: [],
  });
  sdk.start();
  return { prometheus, shutdown: () => sdk.shutdown() };
}
