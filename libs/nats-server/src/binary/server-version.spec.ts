import { describe, expect, test } from '@jest/globals';

import { isAtLeast, parseServerVersion } from './server-version.js';

describe('server version', () => {
  test.each([
    ['nats-server: v2.15.1', '2.15.1'],
    ['nats-server: 2.9.10\n', '2.9.10'],
    ['v2.12.0-RC.1', '2.12.0'],
    ['some other program', undefined],
  ])('%j names %p', (text, version) => expect(parseServerVersion(text)).toBe(version));

  test.each([
    ['2.12.0', '2.12.0', true],
    ['2.15.1', '2.12.0', true],
    ['3.0.0', '2.12.5', true],
    ['2.9.10', '2.12.0', false],
    ['2.12.3', '2.12.11', false],
  ])('%s is at least %s: %p', (version, minimum, answer) => expect(isAtLeast(version, minimum)).toBe(answer));
});
