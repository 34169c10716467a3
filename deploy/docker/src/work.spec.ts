import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { describe, expect, it } from '@jest/globals';

import { chooseWork, COMMANDS, NothingToRun, SERVICE_PORTS } from './work.mjs';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));
const read = (file: string): string => readFileSync(`${CHECKOUT}${file}`, 'utf8');

describe('what a container runs', () => {
  it.each([
    ['a service by its name', ['audit'], {}, { kind: 'service', name: 'audit' }],
    ['everything in one process', ['all'], {}, { kind: 'service', name: 'all' }],
    ['the service of STANCE_SERVICE', [], { STANCE_SERVICE: 'gateway' }, { kind: 'service', name: 'gateway' }],
    ['its arguments first', ['audit'], { STANCE_SERVICE: 'gateway' }, { kind: 'service', name: 'audit' }],
    ['a command', ['topology', 'apply'], {}, { kind: 'command', words: ['topology', 'apply'] }],
    [
      'a command beside STANCE_SERVICE',
      ['status'],
      { STANCE_SERVICE: 'audit' },
      { kind: 'command', words: ['status'] },
    ],
    ['a command after the word stance', ['stance', 'status'], {}, { kind: 'command', words: ['status'] }],
    ['a command that is a service, too', ['audit', 'verify'], {}, { kind: 'command', words: ['audit', 'verify'] }],
    ['an option of stance', ['--help'], {}, { kind: 'command', words: ['--help'] }],
  ])('is %s', (_, words, environment, work) => {
    expect(chooseWork(words, environment)).toEqual(work);
  });

  it.each([
    ['nothing', [], {}, /Nothing says what to run/],
    ['an empty STANCE_SERVICE', [], { STANCE_SERVICE: '' }, /Nothing says what to run/],
    ['an unknown word', ['polcy-engine'], {}, /no service or command "polcy-engine"/],
    ['a service with arguments', ['gateway', '--port', '1'], {}, /gateway takes no arguments/],
    ['an unknown STANCE_SERVICE', [], { STANCE_SERVICE: 'constructor' }, /names no service: "constructor"/],
  ])('is refused for %s, with the choices', (_, words, environment, problem) => {
    const choose = () => chooseWork(words, environment);
    expect(choose).toThrow(NothingToRun);
    expect(choose).toThrow(problem);
    expect(choose).toThrow(/sentinelone-poller, .*gateway, all\n.*stance --help/);
  });

  it('has the ports of the services by which docs/configuration.md, generated from them, knows them', () => {
    const { all, ...services } = SERVICE_PORTS;
    const page = read('docs/configuration.md');
    const documented = [...page.matchAll(/^\| `([a-z-]+)`\s+\| (91\d\d)\s+\|$/gm)].map(([, name, port]) => [
      name,
      Number(port),
    ]);
    expect(Object.fromEntries(documented)).toEqual(services);
    expect(page).toContain(`${all} where all run in one process`);
  });

  it('knows the commands that `stance --help` lists, and no others', async () => {
    const stance = `${CHECKOUT}services/cli/bin/stance.mjs`;
    const { stdout } = await promisify(execFile)(process.execPath, [stance, '--help']);
    const [, listed = ''] = stdout.split('Commands:\n');
    const [commands = ''] = listed.split('\n\n');
    // Descriptions go on in lines that begin farther to the right.
    const names = [...commands.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name);
    expect(new Set(names)).toEqual(new Set(COMMANDS));
  });

  it('has the ports at which the Prometheus of compose.yaml asks', () => {
    const { all: _, ...services } = SERVICE_PORTS;
    const targets = [...read('deploy/docker/compose/prometheus.yaml').matchAll(/targets: \['([a-z-]+):(\d+)'\]/g)];
    expect(Object.fromEntries(targets.map(([, name, port]) => [name, Number(port)]))).toEqual(services);
  });
});
