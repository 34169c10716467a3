import { setImmediate as breathe } from 'node:timers/promises';
import { extname } from 'node:path';
import { atLeast, atMost, encodeToken, UnusableId, type DataOf, type DeviceRecorded } from '@stance/contracts';
import { z } from 'zod';
import { readCsvRows } from './csv-rows.js';
import type { FileProblem } from './file-problem.js';
import type { InventoryRow, ReadRows } from './inventory-row.js';
import { readJsonRows } from './json-rows.js';
import { readYamlRows } from './yaml-rows.js';

/** A device as the inventory enrolls it. */
export type Device = DataOf<typeof DeviceRecorded>;

/** The devices of a file, or everything that is wrong with it: a file is taken as a whole or not at all. */
export type ParsedInventory =
  | { readonly ok: true; readonly devices: ReadonlyMap<string, Device> }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

const line = z
  .string('must be text, in quotes')
  .trim()
  .check(atLeast(1, 'must not be empty'), atMost(1_000, 'is too long'));
/** A list without repetitions, in an order of its own, so that another order in the file is no change. */
const set = <Item extends z.ZodType<string>>(item: Item) =>
  z.array(item, 'must be a list').transform((values) => [...new Set<string>(values)].toSorted());
const mac = line
  .transform((text) => text.toLowerCase().replaceAll('-', ':'))
  .pipe(z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'is not a MAC address, such as 00:1b:44:11:3a:b7'));
const fingerprint = line
  .transform((text) => text.toLowerCase().replaceAll(':', ''))
  .pipe(z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 fingerprint: 64 hex digits, with or without colons'));
const address = line.pipe(z.union([z.ipv4(), z.ipv6()], 'is not an IP address'));

/** A device in a file. */
const fileDevice = z.strictObject({
  deviceId: line.refine(fitsSubject, 'is too long for an id: at most 200 bytes once escaped'),
  serialNumber: line.optional(),
  macAddresses: set(mac).optional(),
  hostname: line.optional(),
  uuid: line.optional(),
  externalId: line.optional(),
  network: line.optional(),
  owner: line.pipe(z.email('is not an e-mail address')).optional(),
  groups: set(line).optional(),
  tags: set(line).optional(),
  os: line.optional(),
  certificateSha256: set(fingerprint).optional(),
  certificateSan: set(line).optional(),
  addresses: set(address).optional(),
});
type FileDevice = z.output<typeof fileDevice>;

/** The fields of a device in a file, which are the columns in CSV. */
const DEVICE_FIELDS: readonly string[] = Object.keys(fileDevice.shape);

/** The extensions of inventory files. */
export const INVENTORY_EXTENSIONS: readonly string[] = ['.yaml', '.yml', '.json', '.csv'];

/** Rows checked before other work gets its turn. */
const BATCH = 500;
const MAX_PROBLEMS = 100;

/** Reads an inventory file; its name tells the format. Lets other work go on between its parts. */
export async function parseInventory(fileName: string, text: string): Promise<ParsedInventory> {
  const { rows, problems: unreadable } = readRows(fileName, text);
  const problems = [...unreadable];
  const devices = new Map<string, Device>();
  const lines = new Map<string, InventoryRow>();
  for (const [index, row] of rows.entries()) {
    if (index % BATCH === BATCH - 1) await breathe();
    const result = fileDevice.safeParse(row.values);
    if (!result.success) problems.push(...result.error.issues.flatMap((issue) => problemsOf(issue, row)));
    else {
      const { deviceId } = result.data;
      const first = lines.get(deviceId);
      if (first === undefined) {
        lines.set(deviceId, row);
        devices.set(deviceId, deviceOf(result.data));
      } else {
        const message = `device \`${deviceId}\` is there twice, first on line ${first.lineOf('deviceId')}`;
        problems.push({ message, line: row.lineOf('deviceId') });
      }
    }
    if (problems.length >= MAX_PROBLEMS) break;
  }
  if (problems.length === 0) return { ok: true, devices };
  return { ok: false, problems: problems.slice(0, MAX_PROBLEMS).toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
}

function readRows(fileName: string, text: string): ReadRows {
  switch (extname(fileName).toLowerCase()) {
    case '.json':
      return readJsonRows(text);
    case '.csv':
      return readCsvRows(text, DEVICE_FIELDS);
    default:
      return text.trim() === ''
        ? { rows: [], problems: [{ message: 'the file is empty', line: 1 }] }
        : readYamlRows(text);
  }
}

function fitsSubject(text: string): boolean {
  try {
    encodeToken(text);
    return true;
  } catch (error) {
    if (error instanceof UnusableId) return false;
    throw error;
  }
}

function problemsOf(issue: z.core.$ZodIssue, row: InventoryRow): FileProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      message: `unknown field \`${key}\`: the fields are ${DEVICE_FIELDS.join(', ')}`,
      line: row.lineOf(key),
    }));
  }
  const [field, index] = issue.path;
  if (field === undefined) return [{ message: issue.message, line: row.lineOf() }];
  const name = String(field);
  if (!(name in row.values)) return [{ message: `there is no \`${name}\``, line: row.lineOf() }];
  const place = typeof index === 'number' ? ` value ${index + 1}` : '';
  return [{ message: `\`${name}\`${place} ${issue.message}`, line: row.lineOf(name) }];
}

function deviceOf(device: FileDevice): Device {
  const { deviceId, serialNumber, macAddresses, hostname, uuid, externalId, network, owner, os } = device;
  const { certificateSha256, certificateSan, addresses, groups = [], tags = [] } = device;
  const identities = present({ certificateSha256, certificateSan, addresses });
  return {
    deviceId,
    state: 'enrolled',
    ...present({ network }),
    hardware: present({ serialNumber, macAddresses, hostname, uuid, externalId }),
    ...(Object.keys(identities).length > 0 && { identities }),
    ...present({ owner }),
    groups,
    tags,
    ...present({ os }),
  };
}

/** The fields that are there. */
function present<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: Exclude<Fields[Name], undefined>;
  };
}
