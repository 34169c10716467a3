import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { fetchFromDebianMirror } from './debian-source.js';
import { findNatsServer } from './find-nats-server.js';

const onDebian = existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');

// Needs the network, as a first `npm start` does: asked for by STANCE_TEST_FETCH=1.
const asked = process.env['STANCE_TEST_FETCH'] === '1' && onDebian;

(asked ? describe : describe.skip)('fetching for real', () => {
  test('the configured Debian mirror gives a modern nats-server without touching the system', async () => {
    const cacheFolder = await mkdtemp(join(tmpdir(), 'nats-server-cache-'));
    const lines: string[] = [];
    try {
      const found = await findNatsServer({
        cacheFolder,
        environment: {},
        fetchers: { 'Debian mirror': fetchFromDebianMirror },
        onProgress: (line) => lines.push(line),
      });
      expect(found.path).toBe(join(cacheFolder, found.version, 'nats-server'));
      expect(found.origin).toBe('Debian mirror');
      expect(lines.join('\n')).toMatch(/downloading nats-server/);
    } finally {
      await rm(cacheFolder, { recursive: true, force: true });
    }
  }, 300_000);
});
