import { describe, expect, test } from '@jest/globals';
import { whyNoHelm } from './find-helm.js';
import { environmentOf } from './kubernetes-objects.js';
import { CI_VALUES, render } from './rendered-chart.js';

const skipped = await whyNoHelm();
const describeProbes = skipped === '' ? describe : describe.skip;

describeProbes(`the probes of a service${skipped}`, () => {
  test.each(CI_VALUES)('ask where it listens: life by /livez, readiness by /readyz, with %s values', async (from) => {
    const pods = (await render({}, { from })).pods().filter(({ title }) => title.startsWith('Deployment/'));
    for (const { spec } of pods) {
      const [container] = spec.containers;
      const port = { name: 'http-metrics', containerPort: 9100 };
      expect(container?.ports).toContainEqual(port);
      expect(environmentOf(container ?? { name: '' })['STANCE_HTTP_PORT']).toBe('9100');
      expect(container).toMatchObject({
        startupProbe: { httpGet: { path: '/livez', port: 'http-metrics' } },
        livenessProbe: { httpGet: { path: '/livez', port: 'http-metrics' } },
        readinessProbe: { httpGet: { path: '/readyz', port: 'http-metrics' } },
      });
    }
  });

  test('listen where the kubelet asks, not on loopback', async () => {
    const environment = async (values: object) =>
      environmentOf((await render({ ...values })).pod('Deployment/stance-audit').spec.containers[0] ?? { name: '' });
    expect(await environment({})).toMatchObject({ STANCE_HTTP_HOST: '0.0.0.0' });
    expect(await environment({ http: { host: '::', port: 9000 } })).toMatchObject({
      STANCE_HTTP_HOST: '::',
      STANCE_HTTP_PORT: '9000',
    });
  });

  test('give a start a minute, and a process that does not answer another', async () => {
    const [container] = (await render()).pod('Deployment/stance-audit').spec.containers;
    const seconds = ({ periodSeconds = 10, failureThreshold = 3 } = {}) => periodSeconds * failureThreshold;
    expect(seconds(container?.startupProbe)).toBe(60);
    expect(seconds(container?.livenessProbe)).toBe(60);
    expect(seconds(container?.readinessProbe)).toBe(15);
  });

  test('may be told otherwise for one service', async () => {
    const values = { services: { 'policy-engine': { probes: { startup: { failureThreshold: 300 } } } } };
    const [container] = (await render(values)).pod('Deployment/stance-policy-engine').spec.containers;
    expect(container?.startupProbe).toMatchObject({ periodSeconds: 2, failureThreshold: 300, timeoutSeconds: 5 });
  });
});
