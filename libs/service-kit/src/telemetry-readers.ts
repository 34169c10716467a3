import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { AggregationTemporality, InstrumentType, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';

/**
 * Whether a gauge is only what was told of it at this collection. Cumulative, as the SDK has it by default, it would go on
 * telling what nobody tells any more: a standby what it was when it was active, a resource what a policy before had.
 */
const isOfNow = (type: InstrumentType): boolean => type === InstrumentType.OBSERVABLE_GAUGE;

/** Metrics for whoever asks for `/metrics`. */
export class PrometheusReader extends PrometheusExporter {
  constructor() {
    super({ preventServerStart: true });
  }

  override selectAggregationTemporality(type: InstrumentType): AggregationTemporality {
    return isOfNow(type) ? AggregationTemporality.DELTA : super.selectAggregationTemporality(type);
  }
}

/** Metrics that are sent now and then. */
export class OtlpReader extends PeriodicExportingMetricReader {
  override selectAggregationTemporality(type: InstrumentType): AggregationTemporality {
    return isOfNow(type) ? AggregationTemporality.DELTA : super.selectAggregationTemporality(type);
  }
}
