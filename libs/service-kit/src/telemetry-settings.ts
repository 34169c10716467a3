import { integer, SettingProblem, text, type Setting, type ConfigurationOf } from './configuration.js';

export const OTLP_PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;
export type OtlpProtocol = (typeof OTLP_PROTOCOLS)[number];

/** The samplers of https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** What every service takes to say what of its telemetry is kept, and how it is sent. */
export const TELEMETRY_SETTINGS = {
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol('http/protobuf', 'how telemetry is sent'),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: protocol(undefined, 'the same for traces alone'),
  OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: protocol(undefined, 'the same for metrics alone'),
  OTEL_METRIC_EXPORT_INTERVAL: integer({
    default: 60_000,
    min: 100,
    max: 86_400_000,
    description: 'milliseconds from one export of metrics to the next',
  }),
  OTEL_TRACES_SAMPLER: oneOf(
    SAMPLERS,
    'parentbased_always_on',
    'which traces are kept of what is neither a change of an agent, a revocation or an error (always kept) nor routine',
  ),
  OTEL_TRACES_SAMPLER_ARG: ratio('1', 'the share that a `traceidratio` sampler keeps, from 0 to 1'),
  STANCE_TRACES_ROUTINE_RATIO: ratio(
    '0.01',
    'share of routine traces that is kept, such as polls without news and agents confirmed unchanged, from 0 to 1',
  ),
  STANCE_TRACES_HELD_SPANS: integer({
    default: 4_096,
    min: 0,
    max: 1_000_000,
    description: 'ended spans of unkept traces that are held for a while, in case their trace turns out to matter',
  }),
};

function protocol(fallback: OtlpProtocol, what: string): Setting<OtlpProtocol>;
function protocol(fallback: undefined, what: string): Setting<OtlpProtocol | undefined>;
function protocol(fallback: OtlpProtocol | undefined, what: string): Setting<OtlpProtocol | undefined> {
  const description = `${what}: ${OTLP_PROTOCOLS.join(', ')}`;
  return { ...oneOf(OTLP_PROTOCOLS, fallback ?? 'http/protobuf', description), default: fallback };
}

function oneOf<const Names extends readonly string[]>(
  names: Names,
  fallback: Names[number],
  description: string,
): Setting<Names[number]> {
  const setting = text({ default: fallback, oneOf: names, description });
  const isName = (value: string): value is Names[number] => names.includes(value);
  return {
    ...setting,
    parse: (value) => {
      const name = setting.parse(value.trim());
      return isName(name) ? name : fallback;
    },
  };
}

function ratio(fallback: string, description: string): Setting<number> {
  return {
    description,
    default: fallback,
    required: false,
    secret: false,
    parse: (value) => {
      const number = Number(value);
      if (!/^\d*\.?\d+$/.test(value.trim()) || number > 1) {
        throw new SettingProblem(`must be a number from 0 to 1, not "${value}"`);
      }
      return number;
    },
  };
}

/** How telemetry is kept and sent. */
export type TelemetryConfiguration = ConfigurationOf<typeof TELEMETRY_SETTINGS>;
