import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { whyNoHelm } from './find-helm.js';
import { environmentOf } from './kubernetes-objects.js';
import { render, type RenderedChart } from './rendered-chart.js';

const skipped = await whyNoHelm();
const describeTenants = skipped === '' ? describe : describe.skip;

const PIPELINE = { tests: { pipeline: { enabled: true } } };

const poller = (chart: RenderedChart, fullname = 'stance') => chart.pod(`Deployment/${fullname}-sentinelone-poller`);
const sync = (chart: RenderedChart) => chart.pod('Deployment/stance-config-sync');
const environment = (pod: ReturnType<typeof poller>) => environmentOf(pod.spec.containers[0] ?? { name: '' });

describeTenants(`consoles${skipped}`, () => {
  test('are none by default, and then no poller runs', async () => {
    expect((await render()).names('Deployment')).not.toContain('stance-sentinelone-poller');
  });

  test('are listed in a file, each with the name of its token file beside it', async () => {
    const chart = await render({}, { from: 'full' });
    expect(parse(chart.the('ConfigMap', 'posture-sources').data?.['sources.yaml'] ?? '')).toEqual({
      sources: [
        {
          name: 'america',
          url: 'https://america.sentinelone.net',
          tokenFile: '/mnt/secrets-store/america.token',
          accountIds: ['225494730938493800'],
        },
        {
          name: 'europe',
          url: 'https://europe.sentinelone.net',
          tokenFile: 'europe.token',
          siteIds: ['225494730938493804'],
          pollInterval: '5s',
          sweepInterval: '30m',
          retirementLimit: 5,
          freshnessStep: '30m',
        },
      ],
    });
    const sources = poller(chart, 'posture').spec.volumes?.find(({ name }) => name === 'sources')?.projected?.sources;
    expect(sources).toEqual([
      { configMap: { name: 'posture-sources', items: [{ key: 'sources.yaml', path: 'sources.yaml' }] } },
      { secret: { name: 'consoles', items: [{ key: 'europe', path: 'europe.token' }] } },
    ]);
  });

  test('are read as the defaults say', async () => {
    const chart = await render({ sourceDefaults: { pollInterval: '30s' } }, { from: 'minimal' });
    expect(environment(poller(chart))).toMatchObject({
      STANCE_SOURCES_FILE: '/etc/stance/sources/sources.yaml',
      SENTINELONE_POLL_INTERVAL: '30s',
      SENTINELONE_SWEEP_INTERVAL: '15m',
      SENTINELONE_RETIREMENT_LIMIT: '10',
      STANCE_FRESHNESS_STEP: '1h',
    });
  });

  test('may have a poller each, whose user speaks for no other', async () => {
    const sources = { plant: { url: 'https://plant.sentinelone.net' } };
    const chart = await render({ sources, pollerPerSource: true, ...PIPELINE }, { from: 'minimal' });
    const pollers = chart.names('Deployment').filter((name) => name.includes('poller'));
    expect(pollers).toEqual(['stance-poller-office', 'stance-poller-plant']);
    const pod = chart.pod('Deployment/stance-poller-plant');
    expect(pod.spec.containers[0]?.args).toEqual(['sentinelone-poller']);
    expect(JSON.stringify(pod.spec.volumes)).toContain('"stance-nats-sentinelone-poller-plant"');
    expect(pod.spec.volumes?.find(({ name }) => name === 'sources')?.projected?.sources).toEqual([
      { configMap: { name: 'stance-sources', items: [{ key: 'plant.yaml', path: 'sources.yaml' }] } },
      { secret: { name: 'stance-source-plant', items: [{ key: 'token', path: 'plant.token' }] } },
    ]);
    const lists = chart.the('ConfigMap', 'stance-sources').data ?? {};
    expect(parse(lists['plant.yaml'] ?? '')).toEqual({
      sources: [{ name: 'plant', tokenFile: 'plant.token', url: 'https://plant.sentinelone.net' }],
    });
    expect(JSON.stringify(chart.pod('Pod/stance-test-pipeline').spec.volumes)).toContain(
      '"stance-nats-sentinelone-poller-helm-test"',
    );
  });

  test('with a poller each have names that fit', async () => {
    const sources = { 'a-name-of-21-character': { url: 'https://a.sentinelone.net' } };
    await expect(render({ sources, pollerPerSource: true })).rejects.toThrow('at most 20 characters');
  });

  test('restart the poller when their list changes', async () => {
    const checksum = async (values: object) =>
      poller(await render({ ...values }, { from: 'minimal' })).annotations['checksum/sources'];
    const another = { sources: { plant: { url: 'https://plant.sentinelone.net' } } };
    expect(await checksum({})).toMatch(/^[0-9a-f]{64}$/);
    expect(await checksum(another)).not.toBe(await checksum({}));
  });
});

describeTenants(`the inventory and the policy${skipped}`, () => {
  test('are none by default, and then config-sync does not run', async () => {
    expect((await render()).names('Deployment')).not.toContain('stance-config-sync');
  });

  test('are folders, so that a change is seen without a restart', async () => {
    const pod = sync(await render({}, { from: 'minimal' }));
    expect(environment(pod)).toMatchObject({
      STANCE_POLICY_FILE: '/etc/stance/policy/policy.yaml',
      STANCE_DEVICES_FILE: '/etc/stance/inventory/devices.yaml',
      STANCE_RETIREMENT_LIMIT: '10 %',
    });
    const mounts = pod.spec.containers[0]?.volumeMounts ?? [];
    expect(mounts).toContainEqual({ name: 'policy', mountPath: '/etc/stance/policy', readOnly: true });
    expect(mounts).toContainEqual({ name: 'inventory', mountPath: '/etc/stance/inventory', readOnly: true });
    expect(mounts.every(({ subPath }) => subPath === undefined)).toBe(true);
    expect(pod.annotations).toEqual({});
  });

  test('may be inline, word for word', async () => {
    const document = '# first\nversion: 1\nrules:\n  - name: "<ü> & \\"\\n"\n';
    const chart = await render({
      policy: { document },
      inventory: { document: 'deviceId\nlaptop-1\n', key: 'devices.csv' },
    });
    expect(chart.the('ConfigMap', 'stance-policy').data).toEqual({ 'policy.yaml': document });
    expect(chart.the('ConfigMap', 'stance-inventory').data).toEqual({ 'devices.csv': 'deviceId\nlaptop-1\n' });
    expect(sync(chart).spec.volumes).toContainEqual({ name: 'policy', configMap: { name: 'stance-policy' } });
    expect(environment(sync(chart))).toMatchObject({ STANCE_DEVICES_FILE: '/etc/stance/inventory/devices.csv' });
  });

  test.each([
    ['existingConfigMap', { configMap: { name: 'devices' } }],
    ['existingSecret', { secret: { secretName: 'devices', defaultMode: 0o440 } }],
    ['existingClaim', { persistentVolumeClaim: { claimName: 'devices', readOnly: true } }],
  ])('come from %s', async (place, source) => {
    const pod = sync(await render({ inventory: { [place]: 'devices' } }));
    expect(pod.spec.volumes).toContainEqual({ name: 'inventory', ...source });
    expect(environment(pod)).not.toHaveProperty('STANCE_POLICY_FILE');
  });

  test.each([
    ['inventory: give one of', { inventory: { existingConfigMap: 'a', existingSecret: 'b' } }],
    ['policy.signature belongs to policy.document', { policy: { existingConfigMap: 'a', signature: 'b' } }],
    ['policy: give document or existingConfigMap', { policy: { document: 'a', existingConfigMap: 'b' } }],
  ])('are refused in two places: %s', async (message, values) => {
    await expect(render(values)).rejects.toThrow(message);
  });

  test('are published with a signature only, where keys of policy admins are given', async () => {
    const keys = { document: 'ana@example.com ssh-ed25519 AAAA' };
    const policy = { document: 'version: 1\n', signature: 'signed\n', installation: 'europe', keys };
    const chart = await render({ policy });
    expect(chart.the('ConfigMap', 'stance-policy').data).toEqual({
      'policy.yaml': 'version: 1\n',
      'policy.yaml.sig': 'signed\n',
    });
    expect(environment(sync(chart))).toMatchObject({
      STANCE_POLICY_SIGNATURE_FILE: '/etc/stance/policy/policy.yaml.sig',
      STANCE_INSTALLATION: 'europe',
    });
    expect(environment(sync(await render({}, { from: 'minimal' })))).not.toHaveProperty('STANCE_POLICY_SIGNATURE_FILE');
  });

  test('need a signature where keys of policy admins are given, which restart the engine', async () => {
    const engine = async (values: object) => (await render({ ...values })).pod('Deployment/stance-policy-engine');
    expect(environment(await engine({}))).not.toHaveProperty('STANCE_POLICY_KEYS_FILE');
    const keys = { document: 'ana@example.com ssh-ed25519 AAAA' };
    const signed = await engine({ policy: { keys, installation: 'europe' } });
    expect(environment(signed)).toMatchObject({
      STANCE_POLICY_KEYS_FILE: '/etc/stance/policy-keys/allowed_signers',
      STANCE_POLICY_SIGNATURES: 'on',
      STANCE_INSTALLATION: 'europe',
    });
    expect(signed.spec.volumes).toContainEqual({ name: 'policy-keys', configMap: { name: 'stance-policy-keys' } });
    const beas = { document: 'bea@example.com ssh-ed25519 AAAA' };
    const others = await engine({ policy: { keys: beas, installation: 'europe' } });
    expect(others.annotations).not.toEqual(signed.annotations);
  });

  test('need no signature any more only where that is said', async () => {
    const engine = async (policy: object) =>
      environment((await render({ policy })).pod('Deployment/stance-policy-engine'))['STANCE_POLICY_SIGNATURES'];
    expect([await engine({}), await engine({ signaturesOff: true })]).toEqual(['on', 'off']);
  });

  const keys = { existingConfigMap: 'policy-admins' };
  test.each([
    ['policy.requireSignature: give the public keys', { requireSignature: true }],
    ['policy.installation is required with policy.keys', { keys }],
    ['policy.signaturesOff: take policy.keys away too', { keys, installation: 'europe', signaturesOff: true }],
    ["at '/policy/installation'", { keys, installation: 'our own' }],
  ])('are not rendered: %s', async (message, policy) => {
    await expect(render({ policy })).rejects.toThrow(message);
  });
});
