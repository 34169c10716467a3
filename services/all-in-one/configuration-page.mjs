// @ts-check
import { CREDENTIAL_SETTINGS } from '@stance/all-in-one';
import { audit } from '@stance/audit';
import { configSync } from '@stance/config-sync';
import { deviceMatcher } from '@stance/device-matcher';
import { gateway } from '@stance/gateway';
import { policyEngine } from '@stance/policy-engine';
import { postureStore } from '@stance/posture-store';
import { sentinelonePoller } from '@stance/sentinelone-poller';
import { COMMON_SETTINGS, TELEMETRY_SETTINGS } from '@stance/service-kit';

/** @typedef {import('@stance/service-kit').Setting<unknown>} Setting */

const SERVICES = [sentinelonePoller, deviceMatcher, postureStore, policyEngine, audit, configSync, gateway];

/** The page about all environment variables: those of the services from their definitions, the others by hand. */
export function configurationPage() {
  return `# Configuration

Environment variables. They are checked at start: a process with a wrong one prints every problem and exits with 2. An empty value counts as unset. Durations are written \`10s\`, \`15m\`, \`24h\`, \`7d\`.

A **secret** \`X\` may be given as \`X_FILE\`, the path of a file that holds it; the file is read anew when the secret is used, so that a rotated one needs no restart.

## Every service

${table(Object.entries(COMMON_SETTINGS))}

## Health and metrics

\`STANCE_HTTP_PORT\` is where \`/livez\`, \`/readyz\` and \`/metrics\` listen; 0 takes a free one. Its default is each service's own, and 9100 where all run in one process (\`npm start\`). What they answer: [operating.md](operating.md).

| service | default |
|---|---|
${SERVICES.map(({ name, httpPort }) => `| \`${name}\` | ${httpPort} |`).join('\n')}

${SERVICES.filter(({ settings }) => Object.keys(settings).length > 0)
  .map(({ name, settings }) => `## ${name}\n\n${table(Object.entries(settings))}`)
  .join('\n\n')}

The files: [several consoles](operating.md#several-consoles), [inventory and policy](configuration/inventory.md), [the policy language](policy.md), [the gateway file](gateway.md). \`config-sync\` needs at least one of its two.

## All in one process

${table(Object.entries(CREDENTIAL_SETTINGS))}

## \`npm start\`

| variable | default | meaning |
|---|---|---|
| \`NATS_URL\` | an embedded nats-server | a server or cluster to use instead; nothing is started then |
| \`STANCE_DATA_DIR\` | \`.stance\` | the embedded server's data, the log, and \`run.json\`, by which the \`stance\` command finds what runs; in demo mode data and log are in \`demo\` below it |
| \`STANCE_NATS_PORT\` | \`4222\` | port of the embedded server; 0, or 4222 being taken, gives a free one |
| \`STANCE_NATS_SERVER\` | found or fetched | path of the nats-server binary ([how it is found](adr/0006-how-nats-server-is-found.md)) |

**Demo mode** begins when neither \`NATS_URL\` nor any \`SENTINELONE_*\` variable is set. It sets what you have not: the address and token of its simulated tenant, the source name \`simulated\`, a poll every 1 s and a sweep every minute, and the samples in \`deploy/local/samples\` for \`STANCE_DEVICES_FILE\`, \`STANCE_POLICY_FILE\` and \`STANCE_GATEWAY_FILE\`. Otherwise nothing is assumed: what is required and missing is an error.

## OpenTelemetry

Metrics are always at \`/metrics\`. Traces, and metrics by OTLP, are sent once one of \`OTEL_EXPORTER_OTLP_ENDPOINT\`, \`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT\` or \`OTEL_EXPORTER_OTLP_METRICS_ENDPOINT\` is set; \`OTEL_SDK_DISABLED=true\` keeps them off. Where to and how is said by the other [\`OTEL_*\` variables](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/); what is sent and what is kept: [telemetry](telemetry.md). Trace context travels with every event either way.

${table(Object.entries(TELEMETRY_SETTINGS))}
`;
}

/** @param {[string, Setting][]} settings */
function table(settings) {
  return `| variable | default | meaning |
|---|---|---|
${settings.map(([name, setting]) => `| \`${name}\` | ${defaultOf(setting)} | ${cell(setting.description)}${setting.secret ? ' (secret)' : ''} |`).join('\n')}`;
}

/** @param {Setting} setting */
function defaultOf({ default: value, required }) {
  if (value !== undefined && value !== '') return `\`${value}\``;
  return required ? 'required' : '-';
}

/** @param {string} text */
const cell = (text) => text.replaceAll('|', '\\|');
