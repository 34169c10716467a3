import { z } from 'zod';
import { defineEvent, id } from '../event.js';
import { STREAMS } from '../streams.js';
import { hardware } from './agent.js';

export const DeviceRecorded = defineEvent({
  name: 'device.recorded',
  keys: ['deviceId'],
  summary: 'The inventory enrolls, changes or retires a device.',
  owners: ['config-sync'],
  stream: STREAMS.DEVICES,
  data: z.object({
    deviceId: id,
    state: z.enum(['enrolled', 'retired']),
    network: z.string().optional(),
    hardware,
    identities: z
      .object({
        certificateSha256: z.array(z.string()).optional(),
        certificateSan: z.array(z.string()).optional(),
        addresses: z.array(z.string()).optional(),
      })
      .optional(),
    owner: z.string().optional().describe("The owner's e-mail address."),
    groups: z.array(z.string()),
    tags: z.array(z.string()),
    os: z.string().optional(),
  }),
});
