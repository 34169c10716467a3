import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { whyNoHelm } from './find-helm.js';
import { CHART, CI_VALUES, ciFile, helm, KUBERNETES_VERSION, render, type Values } from './rendered-chart.js';

const skipped = await whyNoHelm();
const describeSchema = skipped === '' ? describe : describe.skip;

const gateway = (values: object): Values => ({ gateways: { edge: { file: { device: {} }, ...values } } });
const source = (values: object): Values => ({ sources: { office: { url: 'https://a.sentinelone.net', ...values } } });

/** What is wrong with values, and what helm says. */
const REFUSED: readonly (readonly [what: string, values: Values, says: string])[] = [
  ['a misspelt value', { imgae: {} }, "additional properties 'imgae' not allowed"],
  ['a misspelt value within', { image: { tagg: '1' } }, "at '/image': additional properties 'tagg' not allowed"],
  [
    'a service that is none',
    { services: { poller: {} } },
    "at '/services': additional properties 'poller' not allowed",
  ],
  ['a misspelt setting of a service', { services: { audit: { replica: 1 } } }, "'replica' not allowed"],
  ['a misspelt setting of a gateway', gateway({ proxy: [] }), "'proxy' not allowed"],
  ['a misspelt setting of a console', source({ site_ids: [] }), "'site_ids' not allowed"],
  ['a token in values', source({ token: { value: 'x' } }), "'value' not allowed"],
  ['a token in the console', source({ apiToken: 'x' }), "'apiToken' not allowed"],
  ['a console without an address', { sources: { office: {} } }, "missing property 'url'"],
  ['a console over plain http', source({ url: 'http://a.sentinelone.net' }), "at '/sources/office/url'"],
  ['a console with a password in its address', source({ url: 'https://a:b@c' }), "at '/sources/office/url'"],
  [
    'a console with a name that is none',
    { sources: { 'Office 1': { url: 'https://a.net' } } },
    "'Office 1' not allowed",
  ],
  ['sites that are no ids', source({ siteIds: ['main'] }), "at '/sources/office/siteIds/0'"],
  ['sites as numbers, which would lose digits', source({ siteIds: [225_494_730_938] }), 'want string'],
  ['a duration without a unit', source({ pollInterval: '10' }), "at '/sources/office/pollInterval'"],
  ['a limit over 100 percent', source({ retirementLimit: 101 }), 'maximum: got 101, want 100'],
  ['no address of NATS', { nats: { url: '' } }, "at '/nats/url'"],
  ['a password in the address of NATS', { nats: { url: 'nats://a:b@nats:4222' } }, "at '/nats/url'"],
  ['a kind of credentials that is none', { nats: { credentials: { type: 'token' } } }, "at '/nats/credentials/type'"],
  ['credentials in values', { nats: { credentials: { seed: 'SU...' } } }, "'seed' not allowed"],
  ['a relative path', { defaults: { nats: { file: 'user.nk' } } }, "at '/defaults/nats/file'"],
  ['a digest that is none', { image: { digest: 'latest' } }, "at '/image/digest'"],
  ['a pull policy that is none', { image: { pullPolicy: 'always' } }, "at '/image/pullPolicy'"],
  ['a negative number of replicas', { defaults: { replicas: -1 } }, 'minimum: got -1, want 0'],
  ['replicas as text', { services: { audit: { replicas: '2' } } }, 'got string, want integer'],
  ['a log level that is none', { defaults: { logLevel: 'verbose' } }, "at '/defaults/logLevel'"],
  ['root', { security: { runAsUser: 0 } }, 'minimum: got 0, want 1'],
  ['a weaker security context', { security: { privileged: true } }, "'privileged' not allowed"],
  ['a port that is none', { http: { port: 70_000 } }, 'maximum: got 70,000, want 65,535'],
  ['two replicas too many of streams', { topology: { replicas: 7 } }, "at '/topology/replicas'"],
  ['a policy as an object', { policy: { document: { version: 1 } } }, 'got object, want string'],
  ['an inventory of unknown form', { inventory: { key: 'devices.xlsx' } }, "at '/inventory/key'"],
  ['a share that is none', { inventory: { retirementLimit: '10' } }, "at '/inventory/retirementLimit'"],
  ['a key of matching that is none', { matching: { keys: ['hostname'] } }, "at '/matching/keys/0'"],
  ['no key of matching', { matching: { keys: [] } }, 'minItems'],
  ['a gateway with a name that is too long', { gateways: { [`a${'b'.repeat(20)}`]: { file: {} } } }, 'not allowed'],
  ['another name in a gateway’s file', gateway({ file: { name: 'other' } }), "at '/gateways/edge/file'"],
  ['two volume sources in one', gateway({ files: [{ secret: {}, configMap: {} }] }), "at '/gateways/edge/files/0'"],
  ['peers that are none', gateway({ proxies: ['10.0.0.0/8'] }), "at '/gateways/edge/proxies/0'"],
  ['a peer that is everybody', gateway({ proxies: [{}] }), "at '/gateways/edge/proxies/0'"],
  ['an upstream without ports', gateway({ upstreams: [{ to: [{ podSelector: {} }] }] }), "missing property 'ports'"],
  [
    'a port name of 16 characters',
    gateway({ service: { extraPorts: [{ name: 'a'.repeat(16), port: 1 }] } }),
    'extraPorts/0/name',
  ],
  ['an autoscaler that is none', gateway({ autoscaling: { kind: 'vpa' } }), "at '/gateways/edge/autoscaling/kind'"],
  ['a budget of nobody', { defaults: { podDisruptionBudget: { maxUnavailable: 0 } } }, 'maxUnavailable'],
  ['an annotation that is no text', { defaults: { podAnnotations: { a: 1 } } }, 'got number, want string'],
  ['a variable without a name', { defaults: { extraEnv: [{ value: 'x' }] } }, "missing property 'name'"],
  [
    'a password in the collector’s address',
    { telemetry: { otlp: { endpoint: 'http://a:b@c' } } },
    "at '/telemetry/otlp/endpoint'",
  ],
  ['a fleet of nobody', { sizing: { devices: 0 } }, 'minimum: got 0, want 1'],
];

describeSchema(`the schema of values${skipped}`, () => {
  test.each(REFUSED)('refuses %s', async (_what, values, says) => {
    await expect(render(values)).rejects.toThrow(says);
  });

  test('tells all that is wrong at once', async () => {
    const refused = render({ image: { tagg: '1' }, defaults: { replicas: -1 } });
    await expect(refused).rejects.toThrow(/'\/defaults\/replicas'[^]*'\/image'|'\/image'[^]*'\/defaults\/replicas'/);
  });

  test.each(CI_VALUES)('and helm lint --strict take the %s values', async (from) => {
    const said = await helm(['lint', '--strict', '--kube-version', KUBERNETES_VERSION, CHART, '-f', ciFile(from)]);
    expect(said).toContain('0 chart(s) failed');
  });

  test('takes a chart above this one', async () => {
    await expect(render({ global: { anything: 1 } })).resolves.toBeDefined();
  });

  test('keeps older clusters out', async () => {
    await expect(helm(['template', 'stance', CHART, '--kube-version', '1.29.0'])).rejects.toThrow('kubeVersion');
  });
});

describe('the schema', () => {
  test('leaves no object of its own open', async () => {
    const schema: unknown = JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8'));
    expect(openObjects(schema, '')).toEqual([]);
  });
});

/** The places of objects that name properties and take others as well. */
function openObjects(schema: unknown, path: string): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const isOpen = 'properties' in schema && 'type' in schema && !('additionalProperties' in schema);
  const within = Object.entries(schema).flatMap(([key, value]) => openObjects(value, `${path}/${key}`));
  return isOpen ? [path, ...within] : within;
}
