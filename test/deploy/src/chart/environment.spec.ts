import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { whyNoHelm } from './find-helm.js';
import { containersOf, environmentOf } from './kubernetes-objects.js';
import { CI_VALUES, render } from './rendered-chart.js';

const skipped = await whyNoHelm();
const describeEnvironment = skipped === '' ? describe : describe.skip;

const CONFIGURATION = new URL('../../../../docs/configuration.md', import.meta.url);

/** What no service of ours reads: Node, OpenTelemetry, the test's own script, and what another variable is made of. */
const NOT_OURS = /^(NODE_OPTIONS|OTEL_[A-Z_]+|POD_NAME|TEST_[A-Z_]+)$/;

/** The variables that docs/configuration.md names for a service, those of every service among them. */
async function settingsOf(service: string): Promise<Set<string>> {
  const sections = (await readFile(CONFIGURATION, 'utf8')).split(/^## /m);
  const variables = sections
    .filter((section) => section.startsWith('Every service\n') || section.startsWith(`${service}\n`))
    .flatMap((section) => [...section.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, name = '']) => name));
  return new Set([...variables, 'STANCE_HTTP_PORT']);
}

describeEnvironment(`every variable that the chart sets${skipped}`, () => {
  test.each(CI_VALUES)('is a setting of the service that gets it, with %s values', async (from) => {
    const chart = await render({ tests: { pipeline: { enabled: true } } }, { from });
    for (const pod of chart.pods()) {
      for (const container of containersOf(pod)) {
        // Commands take what every service takes.
        const known = await settingsOf(container.args?.[0] ?? '');
        const unknown = Object.keys(environmentOf(container)).filter(
          (name) => !known.has(name) && !NOT_OURS.test(name),
        );
        expect([pod.title, container.name, unknown]).toEqual([pod.title, container.name, []]);
      }
    }
  });
});

describeEnvironment(`every setting of a service${skipped}`, () => {
  test.each([
    ['device-matcher', []],
    // The chart lists consoles in a file; the settings of a single one are those of its test.
    [
      'sentinelone-poller',
      [
        'SENTINELONE_ACCOUNT_IDS',
        'SENTINELONE_API_TOKEN',
        'SENTINELONE_SITE_IDS',
        'SENTINELONE_SOURCE',
        'SENTINELONE_URL',
      ],
    ],
    ['config-sync', []],
    ['gateway', []],
    ['policy-engine', []],
  ])('can be said by a value: %s', async (service, elsewhere) => {
    const values = {
      matching: { placeholderSerials: ['NONE'], sharedMacAddresses: ['00:50:b6'] },
      policy: { keys: { existingConfigMap: 'policy-admins' }, installation: 'europe' },
    };
    const chart = await render(values, { from: 'minimal' });
    const pod = chart.pod(`Deployment/stance-${service === 'gateway' ? 'gateway-edge' : service}`);
    const set = new Set(pod.spec.containers.flatMap((container) => Object.keys(environmentOf(container))));
    const common = await settingsOf('');
    const missing = [...(await settingsOf(service))].filter((name) => !common.has(name) && !set.has(name));
    expect(missing.toSorted()).toEqual(elsewhere);
  });
});
