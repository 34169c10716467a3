import { setTimeout as sleep } from 'node:timers/promises';
import { context, diag, DiagConsoleLogger, DiagLogLevel, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { MeterProvider, type IMetricReader } from '@opentelemetry/sdk-metrics';
import { loadConfiguration } from './configuration.js';
import { metricExporter } from './telemetry-exporters.js';
import { OtlpReader, PrometheusReader } from './telemetry-readers.js';
import { resourceOf } from './telemetry-resource.js';
import { TELEMETRY_SETTINGS, type TelemetryConfiguration } from './telemetry-settings.js';

/** OpenTelemetry of the process: metrics always, for `/metrics`; traces and OTLP only when an endpoint is set. */
export interface Telemetry {
  readonly prometheus: PrometheusReader;
  readonly shutdown: () => Promise<void>;
}

const CLEARING_INTERVAL_MS = 5 * 60_000;

let started: Promise<Telemetry> | undefined;

/**
 * Starts telemetry once per process, however many services run in it. Throws `ConfigurationInvalid` for settings that will not
 * do.
 */
export function startTelemetry(serviceName: string, environment: NodeJS.ProcessEnv): Promise<Telemetry> {
  started ??= start(serviceName, environment);
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

async function start(serviceName: string, environment: NodeJS.ProcessEnv): Promise<Telemetry> {
  const config = loadConfiguration(TELEMETRY_SETTINGS, environment);
  const logLevel = DiagLogLevel[(environment['OTEL_LOG_LEVEL'] ?? '').toUpperCase() as keyof typeof DiagLogLevel];
  if (logLevel !== undefined) diag.setLogger(new DiagConsoleLogger(), { logLevel });
  // Without it an incoming trace would be lost between a message and what is published because of it.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const resource = resourceOf(serviceName);
  const prometheus = new PrometheusReader();
  const readers: IMetricReader[] = [prometheus];
  if (isExported('METRICS', environment)) {
    readers.push(await otlpReader(config));
    // What is collected for one reader is put aside for the other: with nobody asking for `/metrics` it would pile up.
    setInterval(() => void prometheus.collect(), CLEARING_INTERVAL_MS).unref();
  }
  const meters = new MeterProvider({ resource, readers });
  metrics.setGlobalMeterProvider(meters);
  if (!isExported('TRACES', environment)) return { prometheus, shutdown: () => meters.shutdown() };
  // Loaded only when wanted, as it takes a while.
  const { tracerProvider } = await import('./telemetry-traces.js');
  const tracers = await tracerProvider(config, resource, environment);
  trace.setGlobalTracerProvider(tracers);
  return {
    prometheus,
    shutdown: async () => {
      await Promise.all([tracers.shutdown(), meters.shutdown()]);
    },
  };
}

async function otlpReader(config: TelemetryConfiguration): Promise<OtlpReader> {
  const { OTEL_METRIC_EXPORT_INTERVAL: intervalMs, OTEL_EXPORTER_OTLP_PROTOCOL: protocol } = config;
  return new OtlpReader({
    exporter: await metricExporter(config.OTEL_EXPORTER_OTLP_METRICS_PROTOCOL ?? protocol),
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: Math.min(30_000, intervalMs),
  });
}
