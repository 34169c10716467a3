import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { OtlpProtocol } from './telemetry-settings.js';

/** Sends spans; where to, and with which headers and certificates, is what the `OTEL_EXPORTER_OTLP_*` variables say. */
export async function spanExporter(protocol: OtlpProtocol): Promise<SpanExporter> {
  const { OTLPTraceExporter } = await loadTraceExporter(protocol);
  return new OTLPTraceExporter();
}

/** Sends metrics; see {@link spanExporter}. */
export async function metricExporter(protocol: OtlpProtocol): Promise<PushMetricExporter> {
  const { OTLPMetricExporter } = await loadMetricExporter(protocol);
  return new OTLPMetricExporter();
}

// Each is loaded only when it is wanted: gRPC alone takes as long as all else together.
function loadTraceExporter(protocol: OtlpProtocol) {
  if (protocol === 'grpc') return import('@opentelemetry/exporter-trace-otlp-grpc');
  return protocol === 'http/json'
    ? import('@opentelemetry/exporter-trace-otlp-http')
    : import('@opentelemetry/exporter-trace-otlp-proto');
}

function loadMetricExporter(protocol: OtlpProtocol) {
  if (protocol === 'grpc') return import('@opentelemetry/exporter-metrics-otlp-grpc');
  return protocol === 'http/json'
    ? import('@opentelemetry/exporter-metrics-otlp-http')
    : import('@opentelemetry/exporter-metrics-otlp-proto');
}
