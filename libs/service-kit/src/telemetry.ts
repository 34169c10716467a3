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
  started ??= isConfigured(environment) ? startSdk(serviceName) : startLocal();
  return started;
}

/** Whether any `OTEL_EXPORTER_OTLP_*ENDPOINT` is set and the SDK is not disabled. */
function isConfigured(environment: NodeJS.ProcessEnv): boolean {
  if (environment['OTEL_SDK_DISABLED'] === 'true') return false;
  return [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  ].some((name) => (environment[name] ?? '') !== '');
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

async function startSdk(serviceName: string): Promise<Telemetry> {
  // Loaded only when wanted: it brings every exporter and a tenth of a second with it.
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-proto');
  const { PeriodicExportingMetricReader } = await import('@opentelemetry/sdk-metrics');
  const prometheus = prometheusReader();
  const sdk = new NodeSDK({
    serviceName,
    metricReaders: [prometheus, new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })],
  });
  sdk.start();
  return { prometheus, shutdown: () => sdk.shutdown() };
}
