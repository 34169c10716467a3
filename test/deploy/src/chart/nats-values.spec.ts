import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { whyNoHelm } from './find-helm.js';
import { CHART, helm } from './rendered-chart.js';

const FILE = join(CHART, 'examples', 'nats-values.yaml');

/** A folder with the official chart, which is not in this repository. */
const natsChart = process.env['STANCE_TEST_NATS_CHART'] ?? '';
const skipped = await whyNoHelm();
const withoutChart =
  natsChart === ''
    ? ' (skipped: STANCE_TEST_NATS_CHART names no folder with helm/charts/nats of nats-io/k8s)'
    : skipped;
const describeNats = withoutChart === '' ? describe : describe.skip;

interface NatsValues {
  readonly fullnameOverride: string;
  readonly config: {
    readonly cluster: {
      readonly enabled: boolean;
      readonly replicas: number;
      readonly tls: { readonly enabled: boolean };
    };
    readonly jetstream: { readonly enabled: boolean; readonly merge: { readonly sync_interval: string } };
    readonly nats: { readonly tls: { readonly enabled: boolean } };
    readonly merge: Readonly<Record<string, string>>;
  };
}

describe('the values for the official chart of NATS', () => {
  test('ask for three servers that lose nothing, over TLS, with the users of Stance', async () => {
    const values: NatsValues = parse(await readFile(FILE, 'utf8'));
    const { cluster, jetstream, nats, merge } = values.config;
    expect(cluster).toMatchObject({ enabled: true, replicas: 3, tls: { enabled: true } });
    expect(jetstream).toMatchObject({ enabled: true, merge: { sync_interval: 'always' } });
    expect(nats.tls.enabled).toBe(true);
    expect(merge['00$include']).toBe('../nats-auth/nats-auth.conf');
  });

  test('make the servers that the values of Stance name', async () => {
    const { fullnameOverride }: NatsValues = parse(await readFile(FILE, 'utf8'));
    const { nats, topology }: { nats: { url: string }; topology: { replicas: number } } = parse(
      await readFile(join(CHART, 'values.yaml'), 'utf8'),
    );
    expect(nats.url).toBe(`nats://${fullnameOverride}:4222`);
    expect(topology.replicas).toBe(3);
  });
});

describeNats(`the official chart with them${withoutChart}`, () => {
  const rendered = () => helm(['template', 'nats', natsChart, '--namespace', 'stance', '-f', FILE]);

  test('writes the configuration of the servers', async () => {
    const text = await rendered();
    for (const part of [
      'include ../nats-auth/nats-auth.conf;',
      '"sync_interval": "always"',
      '"ca_file": "/etc/nats-ca-cert/ca.crt"',
      '"cert_file": "/etc/nats-certs/nats/tls.crt"',
      '"verify": true',
      '"max_payload": 1MB',
      '"tls://nats-2.nats-headless:6222"',
    ]) {
      expect(text).toContain(part);
    }
  });

  test('mounts the accounts beside everything that the chart mounts itself', async () => {
    const text = await rendered();
    const mounts = [...text.matchAll(/mountPath: (\S+)/g)].map(([, path]) => path);
    for (const path of ['/etc/nats-config', '/var/run/nats', '/data', '/etc/nats-auth', '/etc/nats-certs/nats']) {
      expect(mounts).toContain(path);
    }
    expect(text).toContain('secretName: stance-nats-auth');
    expect(text).toContain('- /etc/nats-auth/nats-auth.conf');
  });

  test('makes pods as Pod Security restricted wants them', async () => {
    const text = await rendered();
    expect(text).toContain('runAsNonRoot: true');
    expect(text.match(/allowPrivilegeEscalation: false/g)).toHaveLength(3);
    expect(text).toContain('type: RuntimeDefault');
  });
});
