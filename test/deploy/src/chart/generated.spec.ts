import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml';
import { CHART } from './rendered-chart.js';

const GENERATE = fileURLToPath(new URL('../../../../deploy/helm/generate.mjs', import.meta.url));

describe('what is generated of the chart', () => {
  test('is fresh: the alerts, the dashboards, the table of values', async () => {
    await expect(promisify(execFile)(process.execPath, [GENERATE, '--check'])).resolves.toMatchObject({ stderr: '' });
  });

  test('tells every value', async () => {
    const values = parseDocument(await readFile(join(CHART, 'values.yaml'), 'utf8')).contents;
    const readme = await readFile(join(CHART, 'README.md'), 'utf8');
    const told = [...readme.matchAll(/^\| `([^`]+)` \|/gm)].map(([, path = '']) => path);
    const leaves = isMap(values) ? leavesOf(values, []) : [];
    expect(leaves.length).toBeGreaterThan(150);
    const untold = leaves.filter((leaf) => !told.some((path) => leaf === path || leaf.startsWith(`${path}.`)));
    expect(untold).toEqual([]);
  });
});

/** The paths of all values that are no maps, or empty ones. */
function leavesOf(map: YAMLMap, above: readonly string[]): string[] {
  return map.items.flatMap(({ key, value }) => {
    const path = [...above, isScalar(key) ? String(key.value) : ''];
    return isMap(value) && value.items.length > 0 ? leavesOf(value, path) : [path.join('.')];
  });
}
