import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { temporaryFolder } from '@stance/testing';
import { stringify } from 'yaml';
import { z } from 'zod';
import { deployed, RULES_FILE } from './deployed.js';
import { findTool, howToGet } from './find-tool.js';
import { documentedMetrics, metricsIn, recordedIn } from './metric-table.js';
import { readRules } from './rules.js';

const run = promisify(execFile);

const DataSource = z.object({ type: z.literal('prometheus'), uid: z.literal('${datasource}') });
const Place = z.object({ x: z.int(), y: z.int(), w: z.int().min(1), h: z.int().min(1) });
const Dashboard = z.object({
  uid: z.string(),
  title: z.string(),
  templating: z.object({
    list: z.array(z.object({ name: z.string(), type: z.string(), query: z.unknown() })),
  }),
  panels: z.array(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('row'), id: z.int(), title: z.string(), gridPos: Place }),
      z.object({
        type: z.enum(['timeseries', 'stat', 'heatmap', 'table']),
        id: z.int(),
        title: z.string(),
        description: z.string().min(1),
        datasource: DataSource,
        gridPos: Place,
        targets: z.array(z.object({ refId: z.string(), expr: z.string(), datasource: DataSource })).min(1),
      }),
    ]),
  ),
});
type Dashboard = z.output<typeof Dashboard>;

const FOLDER = deployed('deploy/grafana/dashboards');
const files = (await readdir(FOLDER)).toSorted();
const dashboards = await Promise.all(
  files.map(async (name) => Dashboard.parse(JSON.parse(await readFile(join(FOLDER, name), 'utf8')))),
);

const expressionsOf = ({ panels }: Dashboard): string[] =>
  panels.flatMap((panel) => (panel.type === 'row' ? [] : panel.targets.map(({ expr }) => expr)));

/** An expression with what Grafana puts in for its variables. */
function filledIn(expression: string): string {
  return expression.replaceAll(/\$__(?:rate_interval|range)\b/g, '5m').replaceAll(/\$[a-z]+\b/g, '.*');
}

describe('the dashboards', () => {
  test('are those that the issue asks for, each with an id of its own', () => {
    expect(files).toEqual([
      'fleet-posture.json',
      'nats.json',
      'pipeline-health.json',
      'reaction-time.json',
      'sources.json',
    ]);
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(files.length);
  });

  test('are what their sources say', async () => {
    const check = run(process.execPath, [deployed('deploy/grafana/generate.mjs'), '--check']);
    await expect(check).resolves.toMatchObject({ stderr: '' });
  });

  test.each(dashboards)('$title lets a reader choose its data source, and every variable it uses', (dashboard) => {
    const variables = dashboard.templating.list.map(({ name }) => name);
    expect(variables[0]).toBe('datasource');
    const used = expressionsOf(dashboard).flatMap((expr) =>
      [...expr.matchAll(/\$([a-z]+)\b/g)].map(([, name]) => name),
    );
    expect(used.filter((name) => name !== undefined && !variables.includes(name))).toEqual([]);
  });

  test.each(dashboards)('$title has panels with ids of their own, none over another', ({ panels }) => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
  });

  test.each(dashboards)(
    '$title uses only metrics that are documented, and series that are recorded',
    async (dashboard) => {
      const documented = await documentedMetrics();
      const recorded = new Set((await readRules(RULES_FILE)).map(({ record }) => record));
      for (const expression of expressionsOf(dashboard)) {
        expect(metricsIn(expression).filter((name) => !documented.has(name))).toEqual([]);
        expect(recordedIn(expression).filter((name) => !recorded.has(name))).toEqual([]);
      }
    },
  );

  test('show every metric of Stance that is documented', async () => {
    const shown = new Set(dashboards.flatMap(expressionsOf).flatMap(metricsIn));
    const documented = [...(await documentedMetrics())].filter((name) => name.startsWith('stance_'));
    expect(documented.filter((name) => !shown.has(name))).toEqual([]);
  });
});

const promtool = await findTool('promtool');
(promtool === undefined ? describe.skip : describe)(promtool === undefined ? howToGet('promtool') : 'promtool', () => {
  test.each(dashboards)('understands every expression of $title', async (dashboard) => {
    const folder = await temporaryFolder();
    try {
      const rules = expressionsOf(dashboard).map((expr, index) => ({ record: `panel:${index}`, expr: filledIn(expr) }));
      const file = join(folder.path, 'expressions.yaml');
      await writeFile(file, stringify({ groups: [{ name: 'expressions', rules }] }));
      const { stdout } = await run(promtool ?? '', ['check', 'rules', file]);
      expect(stdout).toContain(`${rules.length} rules found`);
    } finally {
      await folder.remove();
    }
  });
});
