import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { replaceFile, temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';
import { makeFifo } from '../../fixtures/hanging-file-system.js';
import { FollowedInventory } from './followed-inventory.js';
import { InventoryInvalid } from './inventory.js';

let folder: TemporaryFolder;
let path: string;
let troubles: string[];
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'inventory.yaml');
  troubles = [];
});
afterEach(() => folder.remove());

const onTrouble = (message: string) => void troubles.push(message);
const ownerIn = (inventory: FollowedInventory) => inventory.current.ownerOf('address', '10.0.0.1');

describe('an inventory that is followed', () => {
  test('keeps the last good version through everything, tells why once, and takes the next one', async () => {
    await writeFile(path, 'laptop-1: { addresses: [10.0.0.1] }');
    const inventory = await FollowedInventory.open(path, { onTrouble, pollMs: 5 });
    try {
      const states: [RegExp, () => Promise<void>][] = [
        [/no IP address/, () => replaceFile(path, 'laptop-2: { addresses: [none] }')],
        [/cannot be read: there is no .*inventory\.yaml/, () => rm(path)],
        [/cannot be read: .* is no regular file/, () => Promise.resolve(makeFifo(path))],
      ];
      for (const [problem, make] of states) {
        await make();
        await waitFor(() => problem.test(inventory.problem ?? ''), { what: `${problem} is told` });
        expect(ownerIn(inventory)).toEqual({ deviceId: 'laptop-1' });
      }
      expect(troubles).toHaveLength(states.length);
      await replaceFile(path, 'laptop-3: { addresses: [10.0.0.1] }');
      await waitFor(() => inventory.problem === undefined, { what: 'the next one is taken' });
      expect(ownerIn(inventory)).toEqual({ deviceId: 'laptop-3' });
    } finally {
      inventory.close();
    }
  });

  test('cannot begin with what is no file: it does not wait either', async () => {
    await expect(FollowedInventory.open(path, { onTrouble })).rejects.toThrow(InventoryInvalid);
    makeFifo(path);
    await expect(FollowedInventory.open(path, { onTrouble })).rejects.toThrow(/is no regular file/);
  });
});
