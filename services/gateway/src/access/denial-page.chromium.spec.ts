import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import type { Denial } from '@stance/contracts';
import { temporaryFolder } from '@stance/testing';
import { deniedAnswer, writeAnswer, type HttpAnswer } from './denial-answer.js';

const run = promisify(execFile);

const browser = ['chromium', 'chromium-browser', 'google-chrome']
  .flatMap((name) => (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

const LURE =
  '<img src="http://elsewhere.example/a.png"><script>document.title="run"</script><style>@import "/b.css"</style>';

const denial: Denial = {
  denialId: '642a4e3b-d5a4-46d3-b886-3ad841c258dd',
  gateway: 'edge',
  effect: 'deny',
  resource: LURE,
  reasons: [{ code: 'condition-false', message: LURE }],
  deniedAt: '2026-01-05T10:00:00.000Z',
};

/** What a browser asks for, complains of, and makes of the page; every request of its goes to the server here. */
async function visit(answer: HttpAnswer) {
  const folder = await temporaryFolder();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    writeAnswer(response, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const { stdout: dom, stderr: log } = await run(
      browser ?? '',
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--no-first-run',
        '--enable-logging=stderr',
        `--user-data-dir=${folder.path}`,
        `--proxy-server=http://127.0.0.1:${port}`,
        '--dump-dom',
        'http://wiki.example/denied',
      ],
      { timeout: 50_000 },
    );
    return { dom, complaints: log.split('\n').filter((line) => line.includes('Content Security Policy')), asked };
  } finally {
    server.close();
    server.closeAllConnections();
    await folder.remove();
  }
}

const describeIfFound = browser === undefined ? describe.skip : describe;

describeIfFound('a browser', () => {
  test('shows the page with its style, loads nothing else and runs nothing', async () => {
    const answer = deniedAnswer('GET', denial, 'text/html');
    const { dom, complaints, asked } = await visit(answer);
    expect(dom).toContain('<title>Access denied: This device may not be used here right now</title>');
    expect(complaints).toEqual([]);
    const pages = asked.filter((url) => url.includes('.example/') && !url.endsWith('/favicon.ico'));
    expect(pages).toEqual(['http://wiki.example/denied']);
  });

  test('refuses what the page may not have', async () => {
    const answer = deniedAnswer('GET', denial, 'text/html');
    const body = answer.body.replace('</main>', `${LURE}</main>`);
    const { dom, complaints, asked } = await visit({ ...answer, body });
    expect(dom).toContain('<title>Access denied');
    expect(complaints.length).toBeGreaterThan(2);
    expect(asked.some((url) => url.includes('elsewhere.example'))).toBe(false);
  });
});
