import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { freePort } from './free-port.js';
import { temporaryFolder } from './temporary-folder.js';

test('a temporary folder is the test’s own and is removed with its files', async () => {
  const [one, other] = await Promise.all([temporaryFolder(), temporaryFolder()]);
  expect(one.path).not.toBe(other.path);
  await writeFile(join(one.path, 'file'), 'x');
  await Promise.all([one.remove(), other.remove()]);
  expect(existsSync(one.path)).toBe(false);
});

test('a free port can be listened on', async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  expect(server.address()).toMatchObject({ port });
  server.close();
});
