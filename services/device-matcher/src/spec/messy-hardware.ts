import type { Hardware } from '@stance/contracts';
import type { HardwareMeaning } from '@stance/testing';
import fc from 'fast-check';

/** Hardware as a record spells it, and what it means: drawn together, so that nobody has to read it to know. */
export interface Told {
  readonly written: Hardware;
  readonly means: HardwareMeaning;
}

type Part = readonly [written: Hardware, means: Partial<HardwareMeaning>];

const part = (written: Hardware, means: Partial<HardwareMeaning>): Part => [written, means];

/** One of the spellings of a value, which mean the same. */
const spelling = (of: (written: string) => Part, ...spellings: readonly string[]) =>
  fc.constantFrom(...spellings.map(of));

const serialOf = (serial: string) => (serialNumber: string) => part({ serialNumber }, { serial });
const serial = fc.oneof(
  { weight: 5, arbitrary: spelling(serialOf('C02XK1'), 'C02XK1', ' c02xk1', 'C02 XK1.') },
  { weight: 3, arbitrary: spelling(serialOf('5CG9442'), '5CG9442', '5cg9442\u0000', '５ＣＧ9442') },
  {
    weight: 1,
    arbitrary: spelling(
      (serialNumber) => part({ serialNumber }, { serialProblem: 'placeholder-serial' }),
      'To be filled by O.E.M.',
      'none',
      '0000000',
      'X1',
      'VMware, Inc.',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      part({}, { serialProblem: 'no-serial' }),
      part({ serialNumber: ' ' }, { serialProblem: 'no-serial' }),
    ),
  },
);

const UUIDS = ['4c4c4544-0044-3510-8052-b4c04f4d3132', '8c1f0a6e-94a2-4df6-8e3c-2a1c55d0b7aa'] as const;
const uuid = fc.oneof(
  { weight: 3, arbitrary: fc.constant(part({}, {})) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      // Of a whole product line, and none at all.
      part({ uuid: '03000200-0400-0500-0006-000700080009' }, {}),
      part({ uuid: 'ffffffff-ffff-ffff-ffff-ffffffffffff' }, {}),
      part({ uuid: 'not known' }, {}),
    ),
  },
  ...UUIDS.map((each) => ({
    weight: 2,
    arbitrary: spelling(
      (written) => part({ uuid: written }, { uuid: each }),
      each,
      each.toUpperCase(),
      `{${each}}`,
      each.replaceAll('-', ''),
    ),
  })),
);

const externalId = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(part({}, {}), part({ externalId: '  ' }, {})) },
  ...['ASSET-1', 'ASSET-2'].map((each) => ({
    weight: 1,
    arbitrary: spelling((written) => part({ externalId: written }, { externalId: each }), each, ` ${each} `),
  })),
);

const hostname = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(part({}, {}), part({ hostname: 'localhost' }, {})) },
  ...['anna', 'build7'].map((each) => ({
    weight: 1,
    arbitrary: spelling(
      (written) => part({ hostname: written }, { hostname: each }),
      each,
      `${each.toUpperCase()}.corp.example`,
    ),
  })),
);

const MACS: readonly (readonly [mac: string | undefined, ...spellings: string[]])[] = [
  ['m1', '3c:22:fb:00:11:22', '3C-22-FB-00-11-22', '3c22.fb00.1122'],
  ['m2', 'f8:b1:56:00:00:07', 'f8b156000007'],
  ['m3', 'a4:83:e7:12:34:56'],
  // Of a hypervisor's switch, locally administered, multicast, none, and of eight bytes.
  [
    undefined,
    '00:15:5d:01:02:03',
    '02:00:00:00:00:01',
    '01:00:5e:00:00:01',
    '00:00:00:00:00:00',
    '3c:22:fb:ff:fe:00:11:22',
  ],
];
const mac = fc.oneof(
  ...MACS.map(([means, ...spellings]) => ({
    weight: means === undefined ? 1 : 2,
    arbitrary: fc.constantFrom(...spellings.map((written) => ({ written, means }))),
  })),
);
const macs = fc.array(mac, { maxLength: 2 }).map((cards) =>
  part(cards.length === 0 ? {} : { macAddresses: cards.map(({ written }) => written) }, {
    macs: cards.flatMap(({ means }) => means ?? []),
  }),
);

/** Hardware of one of a few machines, or of a mixture of them. */
export const told: fc.Arbitrary<Told> = fc.tuple(serial, uuid, externalId, hostname, macs).map((parts) => ({
  written: Object.assign({}, ...parts.map(([written]) => written)) as Hardware,
  means: Object.assign({ macs: [] }, ...parts.map(([, means]) => means)) as HardwareMeaning,
}));

/** Names of a certificate, and the UUIDs that it proves. */
export const certificate: fc.Arbitrary<{ readonly names: readonly string[]; readonly proves: readonly string[] }> =
  fc.constantFrom(
    { names: [], proves: [] },
    { names: ['anna.corp.example'], proves: [] },
    { names: [`urn:uuid:${UUIDS[0]}`, 'anna.corp.example'], proves: [UUIDS[0]] },
    { names: [UUIDS[1].toUpperCase()], proves: [UUIDS[1]] },
  );
