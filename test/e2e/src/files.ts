import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { machines, POLICY } from './stack.js';

/** Writes an inventory, a policy and a gateway's file as an operator would; resolves to the settings that name them. */
export async function writeConfiguration(folder: string, devices: number): Promise<NodeJS.ProcessEnv> {
  const paths = {
    STANCE_DEVICES_FILE: join(folder, 'devices.json'),
    STANCE_POLICY_FILE: join(folder, 'policy.yaml'),
    STANCE_GATEWAY_FILE: join(folder, 'gateway.yaml'),
  };
  const inventory = machines(devices).map((machine, index) => ({ deviceId: `d${index}`, ...machine }));
  await writeFile(paths.STANCE_DEVICES_FILE, JSON.stringify({ devices: inventory }));
  await writeFile(paths.STANCE_POLICY_FILE, POLICY);
  await writeFile(
    paths.STANCE_GATEWAY_FILE,
    'name: edge\nlisten: { port: 0 }\ntrustedProxies: [127.0.0.1]\ndevice: { header: {} }\n',
  );
  return paths;
}
