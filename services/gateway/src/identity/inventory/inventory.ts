import { id } from '@stance/contracts';
import { z } from 'zod';
import { NoYaml, yamlContent } from '../../yaml-content.js';
import { canonicalAddress } from '../address.js';
import { canonicalFingerprint, canonicalSerial } from '../certificate/certificate-names.js';

/** Every problem of an inventory file, each with its place. */
export class InventoryInvalid extends Error {
  override readonly name = 'InventoryInvalid';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
  }
}

/** By what the inventory knows a device. */
export type Mark = 'address' | 'serial' | 'fingerprint';

/** Whose something is: one device's, or claimed by several, and so nobody's. */
export type Owner = { readonly deviceId: string } | 'disputed';

const address = z.string().transform((text, context) => {
  const canonical = canonicalAddress(text);
  if (canonical !== undefined) return markOf('address', canonical);
  context.addIssue({ code: 'custom', message: 'is no IP address' });
  return z.NEVER;
});

const certificate = z.string().transform((text, context) => {
  const digits = canonicalFingerprint(text);
  if (/^[0-9A-F]{64}$/.test(digits)) return markOf('fingerprint', digits);
  // 20 bytes at most (RFC 5280).
  if (/^[0-9A-F]{1,40}$/.test(digits)) return markOf('serial', canonicalSerial(digits));
  const message = 'is neither a serial number nor a SHA-256 fingerprint (hex digits, with or without colons)';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const inventoryFile = z.record(
  id,
  z.strictObject({ addresses: z.array(address).default([]), certificates: z.array(certificate).default([]) }),
);

/** Which addresses and certificates are whose. */
export class Inventory {
  private readonly owners = new Map<string, Owner>();
  /** What several devices claim, in words. */
  readonly disputes: readonly string[];

  private constructor(devices: z.infer<typeof inventoryFile>) {
    const disputes: string[] = [];
    for (const [deviceId, { addresses, certificates }] of Object.entries(devices)) {
      for (const mark of [...addresses, ...certificates]) {
        const owner = this.owners.get(mark);
        if (owner === undefined) this.owners.set(mark, { deviceId });
        else if (owner === 'disputed') disputes.push(`${mark} is also claimed by ${deviceId}`);
        else if (owner.deviceId !== deviceId) {
          this.owners.set(mark, 'disputed');
          disputes.push(`${mark} is claimed by ${owner.deviceId} and ${deviceId}: it proves neither`);
        }
      }
    }
    this.disputes = disputes;
  }

  /**
   * Reads `{ <deviceId>: { addresses: [..], certificates: [..] } }`. In YAML everything is taken as written, so that a serial
   * number of digits is no number; JSON is some hundred times as fast. Throws {@link InventoryInvalid}. Pure.
   */
  static parse(text: string, format: 'yaml' | 'json'): Inventory {
    const parsed = inventoryFile.safeParse(format === 'json' ? parseJson(text) : parseYaml(text));
    if (parsed.success) return new Inventory(parsed.data);
    throw new InventoryInvalid(
      parsed.error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'the file'}: ${message}`),
    );
  }

  /** `value` in its canonical form. */
  ownerOf(mark: Mark, value: string): Owner | undefined {
    return this.owners.get(markOf(mark, value));
  }
}

function markOf(mark: Mark, value: string): string {
  return `${mark} ${value}`;
}

function parseYaml(text: string): unknown {
  try {
    return yamlContent(text, { schema: 'failsafe' });
  } catch (error) {
    if (error instanceof NoYaml) throw new InventoryInvalid(error.problems);
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InventoryInvalid([messageOf(error)]);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
