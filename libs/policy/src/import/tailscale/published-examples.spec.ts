import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { accepted, type Accepted } from '../fixtures/accepted.js';
import { importTailscale } from './import-tailscale.js';

/** A file of `fixtures/`, each of which says which page it is from. */
function published(name: string): Accepted {
  return accepted(
    importTailscale(readFileSync(new URL(`../fixtures/tailscale-${name}.hujson`, import.meta.url), 'utf8')),
  );
}

const leftOut = ({ notes }: Accepted): string[] => notes.filter((note) => note.startsWith('left-out'));

describe("Tailscale's published examples", () => {
  test('the SentinelOne integration is carried over whole', () => {
    const imported = published('sentinelone');
    expect(leftOut(imported)).toEqual([]);
    expect(imported.document).toBe(`# yaml-language-server: $schema=./docs/policy.schema.json
# Imported from a Tailscale policy file. Nothing else is allowed than what stands here.

version: 1
postures:
  trusted:
    - sentinelOne:operationalState == 'na'
    - sentinelOne:activeThreats == 0
  has an owner:
    - device:owner IS SET
gateways:
  imported:
    resources:
      - production # tag:production, any port
rules:
  - name: 'grants[0]: every device with an owner to production'
    resources: [ production ]
    require: [ has an owner, trusted ]
`);
    expect(imported.notes).toEqual([
      expect.stringMatching(/^review the file: the policy has 1 resource behind one gateway named imported/),
      expect.stringMatching(/^review postures: .*older than 24h/),
      expect.stringMatching(/^review grants\[0\]\.src\[0\]: members of the tailnet/),
    ]);
  });

  test('postures that ask about the Tailscale client are left out whole, with the rules that only they open', () => {
    const imported = published('device-posture');
    expect(imported.policy.rules).toEqual([]);
    expect(leftOut(imported)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /^left-out postures\["posture:latestMac"\]\[1\]: node:osVersion == '13.4.0': Stance has no Tailscale/,
        ),
        expect.stringMatching(/^left-out postures\["posture:anyMac"\]: posture:anyMac is left out/),
        expect.stringMatching(/^left-out grants\[0\]: .* no posture of it/),
        expect.stringMatching(/^left-out grants\[2\]\.srcPosture\[1\]: posture:approvedWindows is not there/),
      ]),
    );
  });

  test('a list of postures is any of them, and takes the place of the default', () => {
    const imported = published('default-source-posture');
    expect(leftOut(imported)).toEqual([]);
    expect(imported.policy.rules).toMatchObject([
      {
        resources: ['intranet'],
        groups: [],
        require: named('has an owner'),
        requireAny: named('basicWindows', 'basicMac', 'basicLinux'),
      },
      { resources: ['production'], groups: ['dev', 'sre'], require: [], requireAny: named('prodWin', 'prodMac') },
    ]);
  });

  test('the sections of the syntax reference become resources, rules and tests', () => {
    const imported = published('policy-file');
    expect(imported.policy.gateways).toMatchObject([
      { name: 'imported', resources: ['example-host-1', 'vega:tcp:80', 'vega:tcp:443', 'vega:80', 'webserver'] },
    ]);
    expect(imported.document).toContain('- vega:tcp:443 # vega (198.51.100.9), port tcp:443\n');
    expect(imported.policy.rules).toMatchObject([
      { groups: ['engineering'], resources: ['example-host-1', 'vega:tcp:80', 'vega:tcp:443'] },
      { groups: ['sales'], resources: ['vega:tcp:80', 'vega:80', 'webserver'] },
    ]);
    expect(imported.policy.tests).toMatchObject([
      {
        name: 'tests[0]: dave@example.com',
        device: { owner: 'dave@example.com', groups: ['engineering'], os: 'windows' },
        expect: new Map([
          ['example-host-1', 'allow'],
          ['vega:tcp:80', 'allow'],
        ]),
      },
    ]);
    expect(imported.notes).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^left-out ssh: /),
        expect.stringMatching(/^review tagOwners: /),
        expect.stringMatching(/^review nodeAttrs: /),
        expect.stringMatching(/^review autoApprovers: /),
        'review acls[0].src[0]: the inventory has to name the group engineering with just these people: dave@example.com, laura@example.com',
        expect.stringMatching(/^changed tests\[0\]\.deny\[0\]: 192\.0\.2\.3:443 is no resource/),
      ]),
    );
  });

  test('what a new tailnet starts with lets every enrolled device through to everything', () => {
    const imported = published('new-tailnet');
    expect(imported.document).toContain("resources: [ '*' ]");
    expect(imported.policy.gateways).toEqual([]);
    expect(imported.policy.rules).toHaveLength(1);
    expect(leftOut(imported)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^left-out postures\["posture:autoUpdateMac"\]\[2\]: node:tsAutoUpdate: Stance has no/),
        expect.stringMatching(/^left-out acls\[1\]: /),
      ]),
    );
  });
});

const named = (...names: string[]) => names.map((posture) => ({ posture }));
