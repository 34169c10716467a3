import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '@stance/testing';
import { stance } from '../../fixtures/captured-io.js';
import { HEALTHY_READS_WIKI, withTests } from '../../fixtures/policies.js';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

async function fileOf(text: string, name = 'policy.yaml'): Promise<string> {
  const file = join(folder.path, name);
  await writeFile(file, text);
  return file;
}

describe('policy check', () => {
  test('needs no server to find a policy valid', async () => {
    const file = await fileOf(HEALTHY_READS_WIKI);
    expect(await stance(['policy', 'check', file])).toEqual({ exitCode: 0, stdout: `${file}: valid\n`, stderr: '' });
    expect(await stance(['policy', 'check', file, '--json'])).toMatchObject({ exitCode: 0, stdout: '[]\n' });
  });

  test('names file, line and column of what is wrong, with the line', async () => {
    const file = await fileOf(HEALTHY_READS_WIKI.replace('[healthy]', '[healthey]'));
    const { exitCode, stdout } = await stance(['policy', 'check', file]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(new RegExp(`^${file}:11:\\d+: .*healthey`));
    expect(stdout).toContain('  11 |     require: [healthey]');
    const forScripts = await stance(['policy', 'check', file, '--json']);
    expect(JSON.parse(forScripts.stdout)).toMatchObject([
      { file, line: 11, message: expect.stringContaining('healthey') },
    ]);
  });

  test("runs the policy's own tests, and points at one that fails", async () => {
    const passing = await fileOf(withTests('deny'));
    expect(await stance(['policy', 'check', passing])).toMatchObject({
      exitCode: 0,
      stdout: `${passing}: valid, its 2 tests passed\n`,
    });
    const failing = await fileOf(withTests('allow'), 'failing.yaml');
    const { exitCode, stdout } = await stance(['policy', 'check', failing]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /failing.yaml:16:5: test "an infected laptop does not" fails: wiki: expected allow, got deny/,
    );
    expect(stdout).toContain('  16 |   - name: an infected laptop does not\n           ^');
    expect(await stance(['policy', 'check', '--no-tests', failing])).toMatchObject({
      exitCode: 0,
      stdout: `${failing}: valid\n`,
    });
  });

  describe('where a test rests on an exception', () => {
    const excepting = (test: string, until = '2099-12-24T00:00:00Z') => `${HEALTHY_READS_WIKI}exceptions:
  - device: laptop-42
    rule: everyone reads the wiki
    waive: [healthy]
    until: ${until}
    reason: INC-1
    approvedBy: security@example.com
tests:
  - name: the old laptop still reads it
    ${test}
    device: { id: laptop-42, attributes: { 'sentinelOne:infected': true } }
    expect: { wiki: allow }
`;

    test('notes that it will fail once that has ended, which is no error', async () => {
      const file = await fileOf(excepting('from: passing'));
      const { exitCode, stdout } = await stance(['policy', 'check', file]);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(
        /: valid, its 1 test passed\n.*:20:5: note: test "the old laptop still reads it" passes by an/,
      );
      expect(stdout).toContain('an exception for laptop-42, and fails once that has ended');
      expect(stdout).toContain(
        'ends at 2099-12-24T00:00:00.000Z): give it an `at` before that\n  20 |   - name: the old',
      );
      const forScripts = await stance(['policy', 'check', file, '--json']);
      expect(forScripts.exitCode).toBe(0);
      expect(JSON.parse(forScripts.stdout)).toMatchObject([{ file, note: true, line: 20, path: 'tests[0]' }]);
    });

    test.each([
      ['it says when', excepting("at: '2099-12-01T00:00:00Z'")],
      ['it passes without the exception, too', excepting('from: passing').replace("'sentinelOne:infected': true", '')],
      [
        'another device is tested',
        excepting('from: passing').replace('true', 'false').replace('id: laptop-42', 'id: other'),
      ],
    ])('notes nothing where %s', async (_, document) => {
      const file = await fileOf(document);
      expect(await stance(['policy', 'check', file])).toMatchObject({
        exitCode: 0,
        stdout: `${file}: valid, its 1 test passed\n`,
      });
    });
  });

  test('takes several files, and one that is wrong is enough', async () => {
    const right = await fileOf(HEALTHY_READS_WIKI, 'right.yaml');
    const wrong = await fileOf('version: 7\n', 'wrong.yaml');
    const { exitCode, stdout } = await stance(['policy', 'check', right, wrong]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/right.yaml: valid\n.*wrong.yaml:1:/);
    const forScripts = await stance(['policy', 'check', right, wrong, '--json']);
    expect(JSON.parse(forScripts.stdout)).toEqual([expect.objectContaining({ file: wrong })]);
  });

  test('says that a file cannot be read', async () => {
    expect(await stance(['policy', 'check', '/nowhere.yaml'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('/nowhere.yaml cannot be read'),
    });
  });

  test.each([
    ['is no text', Buffer.from([0x61, 0xff]), /policy.yaml is no UTF-8 text/],
    ['is far too large', Buffer.alloc(3_000_000, 'a'), /policy.yaml is too large for a policy/],
  ])('says that a file %s', async (_, content, said) => {
    const file = join(folder.path, 'policy.yaml');
    await writeFile(file, content);
    expect(await stance(['policy', 'check', file])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(said),
    });
  });

  test('quotes of a line without end only what is near the place', async () => {
    const file = await fileOf(`version: 1\nrulez: [${'x, '.repeat(10_000)}x]\n`);
    const { exitCode, stdout } = await stance(['policy', 'check', file]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('…');
    expect(stdout.length).toBeLessThan(2_000);
  });
});

describe('policy test', () => {
  test('prints a line for each test, and a summary', async () => {
    const file = await fileOf(withTests('deny'));
    expect(await stance(['policy', 'test', file])).toEqual({
      exitCode: 0,
      stdout: `✓ a healthy laptop reads it\n✓ an infected laptop does not\n${file}: 2 tests passed\n`,
      stderr: '',
    });
  });

  test('says of a failure what was expected, what came out, and why', async () => {
    const file = await fileOf(withTests('allow'));
    const { exitCode, stdout } = await stance(['policy', 'test', file]);
    expect(exitCode).toBe(1);
    expect(stdout.split('\n')).toEqual([
      '✓ a healthy laptop reads it',
      '✗ an infected laptop does not',
      '  wiki: expected allow, got deny',
      expect.stringMatching(/^ {4}.* \[condition-false\]$/),
      `${file}: 1 of 2 tests failed`,
      '',
    ]);
    const forScripts = await stance(['policy', 'test', file, '--json']);
    expect(forScripts.exitCode).toBe(1);
    expect(JSON.parse(forScripts.stdout)).toMatchObject([
      {
        file,
        errors: [],
        tests: [
          { name: 'a healthy laptop reads it', passed: true, mismatches: [] },
          {
            name: 'an infected laptop does not',
            passed: false,
            mismatches: [
              { resource: 'wiki', expected: 'allow', actual: 'deny', reasons: [{ code: 'condition-false' }] },
            ],
          },
        ],
      },
    ]);
  });

  test('says so where a test proves nothing, since no device can pass', async () => {
    const impassable = withTests('deny').replace('== false', '== false\n    - sentinelOne:infected == true');
    const { exitCode, stdout } = await stance(['policy', 'test', await fileOf(impassable)]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('  wiki: no device can pass');
  });

  test('a policy that is wrong has no tests to run', async () => {
    const file = await fileOf(withTests('deny').replace('[healthy]', '[healthey]'));
    const { exitCode, stdout } = await stance(['policy', 'test', file]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: expect.stringMatching(/policy.yaml:11:.*healthey/) });
    expect(stdout).not.toContain('✓');
  });

  test('several files are tested, one without tests too', async () => {
    const files = [await fileOf(withTests('deny'), 'a.yaml'), await fileOf(HEALTHY_READS_WIKI, 'b.yaml')];
    const { exitCode, stdout } = await stance(['policy', 'test', ...files]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/a.yaml: 2 tests passed\n.*b.yaml: it carries no tests\n$/);
  });
});
