import { describe, expect, test } from '@jest/globals';
import { whyNoHelm } from './find-helm.js';
import { containersOf, environmentOf, type RenderedPod } from './kubernetes-objects.js';
import { CI_VALUES, render } from './rendered-chart.js';

const skipped = await whyNoHelm();
const describeSecrets = skipped === '' ? describe : describe.skip;

/** The secrets that a pod mounts, as `secret/key`. */
function mountedSecrets({ spec }: RenderedPod): string[] {
  return (spec.volumes ?? [])
    .flatMap(({ projected }) => projected?.sources ?? [])
    .flatMap(({ secret }) => (secret?.items ?? [{ key: '*' }]).map(({ key }) => secret && `${secret.name}/${key}`))
    .filter((found) => found !== undefined);
}

const environment = (pod: RenderedPod) => environmentOf(pod.spec.containers[0] ?? { name: '' });

describeSecrets(`credentials${skipped}`, () => {
  test('are those of the process, and no others', async () => {
    const chart = await render({}, { from: 'minimal' });
    expect(Object.fromEntries(chart.pods().map((pod) => [pod.title, mountedSecrets(pod)]))).toEqual({
      'Deployment/stance-sentinelone-poller': [
        'stance-nats-sentinelone-poller/sentinelone-poller.nk',
        'nats-server-tls/ca.crt',
        'stance-source-office/token',
      ],
      'Deployment/stance-device-matcher': ['stance-nats-device-matcher/device-matcher.nk', 'nats-server-tls/ca.crt'],
      'Deployment/stance-posture-store': ['stance-nats-posture-store/posture-store.nk', 'nats-server-tls/ca.crt'],
      'Deployment/stance-policy-engine': ['stance-nats-policy-engine/policy-engine.nk', 'nats-server-tls/ca.crt'],
      'Deployment/stance-audit': [
        'stance-nats-audit/audit.nk',
        'nats-server-tls/ca.crt',
        'stance-nats-audit-trail/audit-trail.nk',
      ],
      'Deployment/stance-config-sync': ['stance-nats-config-sync/config-sync.nk', 'nats-server-tls/ca.crt'],
      'Deployment/stance-gateway-edge': [
        'stance-nats-gateway-edge/gateway-edge.nk',
        'nats-server-tls/ca.crt',
        'device-ca/*',
      ],
      'Job/stance-topology': ['stance-nats-topology/topology.nk', 'nats-server-tls/ca.crt'],
      'Pod/stance-test-read': [
        'stance-nats-topology/topology.nk',
        'nats-server-tls/ca.crt',
        'stance-nats-viewer/viewer.nk',
        'nats-server-tls/ca.crt',
      ],
    });
  });

  test('reach a process as files that it reads', async () => {
    const audit = (await render()).pod('Deployment/stance-audit');
    expect(environment(audit)).toMatchObject({
      NATS_URL: 'nats://nats:4222',
      NATS_NKEY_SEED_FILE: '/etc/stance/nats/user',
      NATS_CA_FILE: '/etc/stance/nats/ca.crt',
      STANCE_AUDIT_NATS_NKEY_SEED_FILE: '/etc/stance/trail/user',
    });
    const mounts = audit.spec.containers[0]?.volumeMounts;
    expect(mounts).toContainEqual({ name: 'nats', mountPath: '/etc/stance/nats', readOnly: true });
    expect(mounts).toContainEqual({ name: 'trail', mountPath: '/etc/stance/trail', readOnly: true });
  });

  test('may all be in one Secret, of which a pod gets its own key', async () => {
    const chart = await render({ nats: { credentials: { existingSecret: 'users' } } });
    expect(mountedSecrets(chart.pod('Deployment/stance-audit'))).toEqual([
      'users/audit.nk',
      'nats-server-tls/ca.crt',
      'users/audit-trail.nk',
    ]);
  });

  test('may be JWTs, with a client certificate and a CA of a ConfigMap', async () => {
    const engine = (await render({}, { from: 'full' })).pod('Deployment/posture-policy-engine');
    expect(environment(engine)).toMatchObject({
      NATS_CREDS_FILE: '/etc/stance/nats/user',
      NATS_CA_FILE: '/etc/stance/nats/ca.crt',
      NATS_CERT_FILE: '/etc/stance/nats/tls.crt',
      NATS_KEY_FILE: '/etc/stance/nats/tls.key',
    });
    expect(environment(engine)).not.toHaveProperty('NATS_NKEY_SEED_FILE');
    expect(mountedSecrets(engine)).toEqual([
      'stance-users/policy-engine.creds',
      'nats-client/tls.crt',
      'nats-client/tls.key',
    ]);
    expect(JSON.stringify(engine.spec.volumes)).toContain('"configMap":{"name":"trust-bundle"');
  });

  test('may be put there by something else, and then no Secret is mounted', async () => {
    const matcher = (await render({}, { from: 'full' })).pod('Deployment/posture-device-matcher');
    expect(environment(matcher)).toMatchObject({ NATS_CREDS_FILE: '/vault/secrets/device-matcher.creds' });
    expect(mountedSecrets(matcher)).not.toContain(expect.stringContaining('device-matcher'));
    expect(matcher.annotations).toMatchObject({ 'vault.hashicorp.com/agent-inject': 'true' });
  });

  test('are none for a server without users', async () => {
    const chart = await render({ nats: { credentials: { type: 'none' }, tls: { enabled: false } } });
    for (const pod of chart.pods()) {
      expect(mountedSecrets(pod)).toEqual([]);
      expect(Object.keys(environment(pod)).filter((name) => /SEED|CREDS|CA_FILE/.test(name))).toEqual([]);
    }
  });

  test('of a collector come from a Secret', async () => {
    const [container] = (await render({}, { from: 'full' })).pod('Deployment/posture-audit').spec.containers;
    expect(container?.env).toContainEqual({
      name: 'OTEL_EXPORTER_OTLP_HEADERS',
      valueFrom: { secretKeyRef: { name: 'otlp', key: 'headers' } },
    });
  });

  test('without a CA no connection would be safe: that is refused', async () => {
    await expect(render({ nats: { tls: { ca: { existingSecret: '' } } } })).rejects.toThrow(
      'nats.tls.ca: name the Secret',
    );
  });
});

describeSecrets(`no secret${skipped}`, () => {
  test.each(CI_VALUES)('is made by the chart, with %s values', async (from) => {
    const { objects } = await render({ tests: { pipeline: { enabled: true } } }, { from });
    expect(objects.map(({ kind }): string => kind)).not.toContain('Secret');
  });

  test.each(CI_VALUES)('is an environment variable, with %s values', async (from) => {
    const chart = await render({ tests: { pipeline: { enabled: true } } }, { from });
    const variables = chart
      .pods()
      .flatMap(containersOf)
      .flatMap((container) => Object.entries(environmentOf(container)));
    const inPlain = variables.filter(
      ([name, value]) =>
        /TOKEN|SECRET|PASSWORD|HEADERS|SEED/.test(name) && !value.startsWith('/') && value !== '<from elsewhere>',
    );
    // The console of the test is in its own pod and asks for none.
    expect(inPlain.every(([, value]) => value === 'none-is-asked-for')).toBe(true);
  });
});
