import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { stance } from './fixtures/captured-io.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const EXAMPLES = join(ROOT, 'examples', 'policies');
const SCHEMA = join(ROOT, 'docs', 'policy.schema.json');
const schema = z.fromJSONSchema(JSON.parse(inAscii(readFileSync(SCHEMA, 'utf8'))) as z.core.JSONSchema.JSONSchema);

/** Zod reads the patterns of a JSON Schema without the Unicode flag that JSON Schema means; the examples are in ASCII. */
function inAscii(jsonSchema: string): string {
  return jsonSchema.replaceAll(String.raw`\\p{L}\\p{N}`, 'A-Za-z0-9');
}

const files = readdirSync(EXAMPLES).map((name) => join(EXAMPLES, name));

interface Tested {
  readonly errors: unknown[];
  readonly tests: readonly { readonly name: string; readonly passed: boolean }[];
}

describe('the examples', () => {
  test('are all named by their README', () => {
    const readme = readFileSync(join(ROOT, 'examples', 'README.md'), 'utf8');
    for (const name of readdirSync(EXAMPLES)) expect(readme).toContain(`(policies/${name})`);
    expect(files.length).toBeGreaterThanOrEqual(8);
  });

  test('one at least expects a warning', () => {
    expect(files.filter((file) => /expect:.*warn/.test(readFileSync(file, 'utf8'))).length).toBeGreaterThan(0);
  });
});

describe.each(files.map((file) => [file.slice(EXAMPLES.length + 1), file] as const))('%s', (_, file) => {
  const text = readFileSync(file, 'utf8');

  test('is a policy whose own tests, three at least, pass', async () => {
    const { stdout, stderr, exitCode } = await stance(['policy', 'test', '--json', file]);
    const [tested] = JSON.parse(stdout) as [Tested];
    expect(tested.errors).toEqual([]);
    expect(tested.tests.filter(({ passed }) => !passed)).toEqual([]);
    expect(tested.tests.length).toBeGreaterThanOrEqual(3);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  });

  test('begins with the schema for editors, by a path that leads there, and then with its purpose', () => {
    const [header = '', purpose = ''] = text.split('\n');
    const path = /^# yaml-language-server: \$schema=(\S+)$/.exec(header)?.[1] ?? '';
    expect(resolve(dirname(file), path)).toBe(SCHEMA);
    expect(purpose).toMatch(/^# [A-Z].{40}/);
  });

  test('is as the schema says', () => {
    const document = parse(text) as Record<string, unknown>;
    expect(schema.safeParse(document).error).toBeUndefined();
    expect(schema.safeParse({ ...document, rulez: [] }).success).toBe(false);
  });
});
