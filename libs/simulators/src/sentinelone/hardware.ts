import type { Agent } from './agent.js';
import type { JsonValue } from './json.js';
import type { Random } from './random.js';

/** What is fixed about a machine before an agent is installed on it. */
export interface Machine {
  readonly osType: 'windows' | 'linux' | 'macos';
  readonly machineType: Agent['machineType'];
  readonly modelName: string;
  readonly serialNumber: string;
  /** The vendor's half of its MAC addresses: `3c:22:fb`. */
  readonly macPrefix: string;
  readonly cpuId: string;
  readonly cloudProviders: { readonly [provider: string]: JsonValue };
}

interface Line {
  readonly share: number;
  readonly osType: Machine['osType'];
  readonly machineType: Machine['machineType'];
  readonly models: readonly [string, ...string[]];
  readonly macPrefixes: readonly [string, ...string[]];
  readonly cpus: readonly [string, ...string[]];
  /** `tail(n)` gives n characters that no other machine of the fleet has. */
  readonly serial: (random: Random, tail: (length: number) => string) => string;
  readonly cloud?: (random: Random) => { readonly [provider: string]: JsonValue };
}

/** Vendors leave vowels and look-alikes out of serial numbers. */
const ALPHABET = '0123456789BCDFGHJKLMNPQRSTVWXYZ';
const INTEL = [
  '13th Gen Intel(R) Core(TM) i7-1365U',
  'Intel(R) Core(TM) Ultra 7 165U',
  '12th Gen Intel(R) Core(TM) i5-1245U',
] as const;
const XEON = ['Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz', 'AMD EPYC 7543 32-Core Processor'] as const;
const APPLE = ['Apple M1 Pro', 'Apple M2', 'Apple M3 Pro', 'Apple M4'] as const;

const appleSerial: Line['serial'] = (random, tail) => `${random.text(5, ALPHABET)}${tail(5)}`;
const dellServiceTag: Line['serial'] = (random, tail) => `${random.text(2, ALPHABET)}${tail(5)}`;
const lenovoLaptop: Line['serial'] = (random, tail) => `PF${random.text(1, '2345')}${tail(5)}`;
const lenovoDesktop: Line['serial'] = (_random, tail) => `MJ0${tail(5)}`;
const hpLaptop: Line['serial'] = (random, tail) =>
  `5CG${1 + random.below(4)}${String(1 + random.below(52)).padStart(2, '0')}${tail(4)}`;
const hpeServer: Line['serial'] = (random, tail) =>
  `CZJ${1 + random.below(4)}${String(1 + random.below(52)).padStart(2, '0')}${tail(4)}`;
const surface: Line['serial'] = (random, tail) => {
  const unique = [...tail(5)].reduce((sum, letter) => sum * ALPHABET.length + ALPHABET.indexOf(letter), 0);
  return `0${10 + random.below(20)}${String(unique).padStart(9, '0')}`;
};
const vmware: Line['serial'] = (random, tail) => {
  const unique = [...tail(5)].reduce((sum, letter) => sum * ALPHABET.length + ALPHABET.indexOf(letter), 0);
  const hex = `56 4d ${random.hex(20)}${unique.toString(16).padStart(8, '0')}`.replaceAll(' ', '');
  const bytes = hex.match(/../g) ?? [];
  return `VMware-${bytes.slice(0, 8).join(' ')}-${bytes.slice(8).join(' ')}`;
};
const amazon: Line['serial'] = (random, tail) => {
  const unique = [...tail(5)].reduce((sum, letter) => sum * ALPHABET.length + ALPHABET.indexOf(letter), 0);
  return `ec2${random.hex(5)}-${random.hex(4)}-${random.hex(4)}-${random.hex(4)}-${random.hex(4)}${unique.toString(16).padStart(8, '0')}`;
};
const amazonFacts: NonNullable<Line['cloud']> = (random) => ({
  AWS: {
    awsRole: null,
    awsSecurityGroups: [`sg-${random.hex(17)}`],
    awsSubnetIds: [`subnet-${random.hex(17)}`],
    cloudAccount: random.text(12, '0123456789'),
    cloudImage: `ami-${random.hex(17)}`,
    cloudInstanceId: `i-${random.hex(17)}`,
    cloudInstanceSize: 'm6i.large',
    cloudLocation: 'eu-central-1',
    cloudNetwork: `vpc-${random.hex(17)}`,
    cloudTags: ['env=production'],
  },
});

const LINES: readonly [Line, ...Line[]] = [
  {
    share: 0.24,
    osType: 'macos',
    machineType: 'laptop',
    models: ['MacBookPro18,3', 'Mac14,2', 'Mac15,6', 'Mac16,12'],
    macPrefixes: ['3c:22:fb', 'a4:83:e7', 'f0:18:98'],
    cpus: APPLE,
    serial: appleSerial,
  },
  {
    share: 0.05,
    osType: 'macos',
    machineType: 'desktop',
    models: ['Mac14,3', 'iMac21,1', 'Mac13,1'],
    macPrefixes: ['14:7d:da', '3c:22:fb'],
    cpus: APPLE,
    serial: appleSerial,
  },
  {
    share: 0.15,
    osType: 'windows',
    machineType: 'laptop',
    models: ['Dell Inc. - Latitude 7440', 'Dell Inc. - Latitude 5540', 'Dell Inc. - XPS 13 9315'],
    macPrefixes: ['f8:b1:56', '18:66:da'],
    cpus: INTEL,
    serial: dellServiceTag,
  },
  {
    share: 0.14,
    osType: 'windows',
    machineType: 'laptop',
    models: ['LENOVO - 21CBCTO1WW', 'LENOVO - 21HMCTO1WW'],
    macPrefixes: ['54:e1:ad', '8c:16:45', 'e8:6a:64'],
    cpus: INTEL,
    serial: lenovoLaptop,
  },
  {
    share: 0.1,
    osType: 'windows',
    machineType: 'laptop',
    models: ['HP - HP EliteBook 840 14 inch G9 Notebook PC', 'HP - HP EliteBook 650 15.6 inch G10 Notebook PC'],
    macPrefixes: ['3c:52:82', '9c:7b:ef'],
    cpus: INTEL,
    serial: hpLaptop,
  },
  {
    share: 0.04,
    osType: 'windows',
    machineType: 'laptop',
    models: ['Microsoft Corporation - Surface Laptop 5', 'Microsoft Corporation - Surface Pro 9'],
    macPrefixes: ['28:16:a8'],
    cpus: INTEL,
    serial: surface,
  },
  {
    share: 0.06,
    osType: 'windows',
    machineType: 'desktop',
    models: ['Dell Inc. - OptiPlex 7010'],
    macPrefixes: ['f8:b1:56'],
    cpus: INTEL,
    serial: dellServiceTag,
  },
  {
    share: 0.03,
    osType: 'windows',
    machineType: 'desktop',
    models: ['LENOVO - 11T5S01N00'],
    macPrefixes: ['e8:6a:64'],
    cpus: INTEL,
    serial: lenovoDesktop,
  },
  {
    share: 0.04,
    osType: 'linux',
    machineType: 'laptop',
    models: ['LENOVO - 21K5CTO1WW'],
    macPrefixes: ['8c:16:45'],
    cpus: INTEL,
    serial: lenovoLaptop,
  },
  {
    share: 0.04,
    osType: 'windows',
    machineType: 'server',
    models: ['VMware, Inc. - VMware7,1'],
    macPrefixes: ['00:50:56'],
    cpus: XEON,
    serial: vmware,
  },
  {
    share: 0.02,
    osType: 'windows',
    machineType: 'server',
    models: ['HPE - ProLiant DL360 Gen10'],
    macPrefixes: ['9c:7b:ef'],
    cpus: XEON,
    serial: hpeServer,
  },
  {
    share: 0.04,
    osType: 'linux',
    machineType: 'server',
    models: ['VMware, Inc. - VMware7,1'],
    macPrefixes: ['00:50:56'],
    cpus: XEON,
    serial: vmware,
  },
  {
    share: 0.02,
    osType: 'linux',
    machineType: 'server',
    models: ['Dell Inc. - PowerEdge R650'],
    macPrefixes: ['18:66:da'],
    cpus: XEON,
    serial: dellServiceTag,
  },
  {
    share: 0.03,
    osType: 'linux',
    machineType: 'server',
    models: ['Amazon EC2 - m6i.large'],
    macPrefixes: ['06:35:e6'],
    cpus: XEON,
    serial: amazon,
    cloud: amazonFacts,
  },
];

/** Draws the `index`-th machine of the fleet `seed`. Serial numbers are unique up to 900,000 machines. */
export function drawMachine(seed: number, index: number, random: Random): Machine {
  const line = pickLine(random.fraction());
  return {
    osType: line.osType,
    machineType: line.machineType,
    modelName: random.pick(line.models),
    serialNumber: line.serial(random, (length) => uniqueTail(seed, index, length)),
    macPrefix: random.pick(line.macPrefixes),
    cpuId: random.pick(line.cpus),
    cloudProviders: line.cloud?.(random) ?? {},
  };
}

function pickLine(at: number): Line {
  let reached = 0;
  for (const line of LINES) {
    reached += line.share;
    if (at < reached) return line;
  }
  return LINES[0];
}

/** Spreads consecutive indexes over all tails of this length, each once (the step is prime to the count of tails). */
function uniqueTail(seed: number, index: number, length: number): string {
  const tails = ALPHABET.length ** length;
  let rest = (index * 387_911 + seed * 104_729) % tails;
  let text = '';
  for (let position = 0; position < length; position += 1) {
    text = ALPHABET.charAt(rest % ALPHABET.length) + text;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return text;
}
