import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { whyNoHelm } from './find-helm.js';
import { environmentOf } from './kubernetes-objects.js';
import { CHART, CI_VALUES, render, renderAnew } from './rendered-chart.js';

const skipped = await whyNoHelm();
const describeUpgrades = skipped === '' ? describe : describe.skip;

const seconds = (duration = '') => Number(/^(\d+)s$/.exec(duration)?.[1]);

describeUpgrades(`an upgrade${skipped}`, () => {
  test('has a new pod ready before an old one stops', async () => {
    for (const { spec } of (await render({}, { from: 'minimal' })).all('Deployment')) {
      expect(spec?.strategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } });
    }
  });

  test.each(CI_VALUES)('kills nobody who still settles work, with %s values', async (from) => {
    const pods = (await render({}, { from })).pods().filter(({ title }) => title.startsWith('Deployment/'));
    for (const { title, spec } of pods) {
      const [container] = spec.containers;
      const deadline = seconds(environmentOf(container ?? { name: '' })['STANCE_SHUTDOWN_DEADLINE']);
      const before = container?.lifecycle?.preStop?.sleep?.seconds ?? 0;
      // A service that cannot stop by its deadline exits 2 s later.
      expect([title, (spec.terminationGracePeriodSeconds ?? 0) > before + deadline + 2]).toEqual([title, true]);
    }
  });

  test('restarts nobody because the policy or the inventory changed', async () => {
    const pods = async (policy: string) =>
      (await render({ policy: { document: policy }, inventory: { document: policy } })).pods();
    expect(await pods('version: 1')).toEqual(await pods('version: 2'));
  });

  test('to the same chart with the same values changes nothing', async () => {
    const [one, other] = [await renderAnew({}, { from: 'full' }), await renderAnew({}, { from: 'full' })];
    expect(one.text).toBe(other.text);
  });

  test('is described for this version', async () => {
    const chart: { version: string } = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8'));
    expect(await readFile(join(CHART, 'UPGRADING.md'), 'utf8')).toContain(`### ${chart.version}\n`);
  });

  test('of the product is one of the chart', async () => {
    const chart: { version: string; appVersion: string } = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8'));
    const product: { version: string } = JSON.parse(
      await readFile(new URL('../../../../package.json', import.meta.url), 'utf8'),
    );
    expect(chart.appVersion).toBe(product.version);
  });
});
