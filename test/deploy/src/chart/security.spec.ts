import { describe, expect, test } from '@jest/globals';
import { whyNoHelm } from './find-helm.js';
import { containersOf } from './kubernetes-objects.js';
import { CI_VALUES, render } from './rendered-chart.js';

const skipped = await whyNoHelm();
const describeSecurity = skipped === '' ? describe : describe.skip;

describeSecurity(`every pod of the chart${skipped}`, () => {
  test.each(CI_VALUES)('is as Pod Security restricted wants it, with %s values', async (from) => {
    const pods = (await render({ tests: { pipeline: { enabled: true } } }, { from })).pods();
    expect(pods.length).toBeGreaterThan(5);
    for (const { title, spec } of pods) {
      expect({ title, ...spec }).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      expect([spec.hostNetwork, spec.hostPID, spec.hostIPC]).toEqual([undefined, undefined, undefined]);
      const kinds = (spec.volumes ?? []).flatMap(({ name: _name, ...source }) => Object.keys(source));
      expect(kinds).not.toContain('hostPath');
    }
  });

  test.each(CI_VALUES)('has containers that may nothing, with %s values', async (from) => {
    const pods = (await render({ tests: { pipeline: { enabled: true } } }, { from })).pods();
    for (const container of pods.flatMap(containersOf)) {
      expect(container).toMatchObject({
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          runAsNonRoot: true,
          privileged: false,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        },
      });
      expect((container.ports ?? []).every(({ hostPort }) => hostPort === undefined)).toBe(true);
    }
  });

  test('runs as the user of the image, or as whom the cluster gives', async () => {
    const ids = { runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532 };
    expect((await render()).pod('Deployment/stance-audit').spec.securityContext).toMatchObject(ids);
    const given = await render({ security: { runAsUser: null, runAsGroup: null, fsGroup: null } });
    expect(given.pod('Deployment/stance-audit').spec.securityContext).toEqual({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
  });

  test('has an account of its own without a token', async () => {
    const chart = await render({}, { from: 'minimal' });
    const accounts = chart.all('ServiceAccount');
    expect(accounts.every(({ automountServiceAccountToken }) => automountServiceAccountToken === false)).toBe(true);
    const used = chart.pods().map(({ spec }) => spec.serviceAccountName ?? '');
    expect(new Set(used).size).toBe(used.length);
    expect(chart.names('ServiceAccount')).toEqual(used.toSorted());
  });

  test('writes nowhere but into a small folder of its own', async () => {
    for (const pod of (await render({}, { from: 'minimal' })).pods()) {
      for (const { volumeMounts = [] } of containersOf(pod)) {
        const writable = volumeMounts.filter(({ readOnly }) => readOnly !== true).map(({ mountPath }) => mountPath);
        expect(writable).toEqual(['/tmp']);
      }
      expect(pod.spec.volumes).toContainEqual({ name: 'tmp', emptyDir: { sizeLimit: '64Mi' } });
    }
  });
});
