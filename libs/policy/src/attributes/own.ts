import type { AttributeDefinitions } from './definition.js';

/** What the inventory says of a device. It does not grow stale. */
export const deviceAttributes: AttributeDefinitions = {
  'device:owner': {
    type: 'string',
    origin: 'inventory',
    from: 'inventory, owner',
    description: 'Owner of the device, by e-mail address.',
  },
  'device:groups': {
    type: 'list',
    origin: 'inventory',
    from: 'inventory, groups',
    description: "Groups of the device's owner.",
  },
  'device:tags': { type: 'list', origin: 'inventory', from: 'inventory, tags', description: 'Tags of the device.' },
  'device:network': {
    type: 'string',
    origin: 'inventory',
    from: 'inventory, network',
    description: 'Network that the device is enrolled in.',
  },
  'device:os': {
    type: 'string',
    origin: 'inventory',
    from: 'inventory, os',
    description: 'Operating system as the inventory words it.',
  },
};

/** What Stance itself knows of a device and its agents. */
export const stanceAttributes: AttributeDefinitions = {
  'stance:agents': {
    type: 'number',
    origin: 'stance',
    from: 'posture record, agents',
    description: 'How many agents belong to the device.',
    remedy: 'Install the agent, or ask IT whether its serial number is the one in the inventory.',
  },
  'stance:matchedBy': {
    type: 'string',
    origin: 'stance',
    from: 'posture record, agents',
    description: 'How the agent was matched to the device; of several agents the weakest way.',
    values: ['manual', 'serial', 'uuid', 'externalId+mac', 'mac+hostname'],
    worse: 'last',
    remedy: 'Ask IT to record the serial number of the device in the inventory.',
  },
  'stance:lastSeenAge': {
    type: 'duration',
    origin: 'stance',
    from: 'posture record, agents',
    description: 'How long ago the agent was last in contact with its console; of several agents the longest.',
    worse: 'greater',
    remedy: 'Connect the machine to the internet so that its agent reports.',
  },
};
