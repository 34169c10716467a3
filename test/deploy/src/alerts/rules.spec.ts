import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { RULE_TESTS, RULES_FILE, RUNBOOKS } from './deployed.js';
import { findTool, howToGet } from './find-tool.js';
import { documentedMetrics, metricsIn, recordedIn } from './metric-table.js';
import { pageOf, readRules } from './rules.js';

const run = promisify(execFile);
const promtool = await findTool('promtool');
const withPromtool = promtool === undefined ? describe.skip : describe;
const rules = await readRules(RULES_FILE);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const names = [...new Set(alerts.map(({ alert }) => alert ?? ''))];
const testFiles = (await readdir(RULE_TESTS)).filter((name) => name.endsWith('.test.yaml'));

withPromtool(promtool === undefined ? howToGet('promtool') : 'promtool', () => {
  test('finds the rules well-formed', async () => {
    const { stdout } = await run(promtool ?? '', ['check', 'rules', RULES_FILE]);
    expect(stdout).toContain(`${rules.length} rules found`);
  });

  test.each(testFiles)('sees each alert of %s fire, and not fire just below', async (name) => {
    await expect(run(promtool ?? '', ['test', 'rules', join(RULE_TESTS, name)])).resolves.toMatchObject({ stderr: '' });
  });
});

describe('an alert', () => {
  test('has a test of its firing and of its silence', async () => {
    const texts = await Promise.all(testFiles.map((name) => readFile(join(RULE_TESTS, name), 'utf8')));
    const cases = [...texts.join('\n').matchAll(/alertname: (\w+)\n\s+exp_alerts:( \[\])?/g)];
    for (const [what, empty] of [
      ['fires', undefined],
      ['is silent', ' []'],
    ] as const) {
      const tested = new Set(cases.filter(([, , none]) => none === empty).map(([, name]) => name));
      expect({ what, without: names.filter((name) => !tested.has(name)) }).toEqual({ what, without: [] });
    }
  });

  test.each(alerts.map(({ alert = '', ...rule }) => ({ alert, ...rule })))(
    '$alert says how bad it is, what it means, and where to read on',
    async ({ alert, labels, annotations }) => {
      expect(['critical', 'warning']).toContain(labels?.['severity']);
      expect(annotations?.runbook_url).toBe(`docs/runbooks/${pageOf(alert)}`);
      expect(annotations?.summary.length).toBeLessThan(120);
    },
  );
});

describe('a runbook page', () => {
  const HEADINGS = ['What it means', 'How to see it', 'What to do', 'How to know that it is over', 'What causes it'];

  test('there is for every alert, and an alert for every page', async () => {
    const pages = (await readdir(RUNBOOKS)).filter((name) => name !== 'README.md');
    expect(pages.toSorted()).toEqual(names.map(pageOf).toSorted());
  });

  test.each(names)('of %s has the form of all', async (name) => {
    const text = await readFile(join(RUNBOOKS, pageOf(name)), 'utf8');
    expect(text.split('\n')[0]).toBe(`# ${name}`);
    expect([...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual(HEADINGS);
  });

  test.each(names)('of %s is in the index', async (name) => {
    const index = await readFile(join(RUNBOOKS, 'README.md'), 'utf8');
    expect(index).toContain(`[${name}](${pageOf(name)})`);
  });
});

describe('the rules', () => {
  test('use only metrics that are documented, and series that they record', async () => {
    const documented = await documentedMetrics();
    const recorded = new Set(rules.map(({ record }) => record));
    for (const { expr } of rules) {
      expect(metricsIn(expr).filter((name) => !documented.has(name))).toEqual([]);
      expect(recordedIn(expr).filter((name) => !recorded.has(name))).toEqual([]);
    }
  });
});
