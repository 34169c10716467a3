// @ts-check
/**
 * Who may import whom: one row per room. Specs may import what `specsMayImport` adds; nothing else is allowed.
 *
 * `rooms`: the rooms of ours it may import. `packages`: the npm packages it may import; left out, any that its
 * package.json lists. `node: false`: none of Node's own modules either, so that the room stays pure.
 * @typedef {{ rooms: string[], packages?: string[], node?: boolean }} Allowance
 */

const nest = ['@nestjs/*', 'reflect-metadata', 'rxjs'];
const nats = ['@nats-io/*'];
const everywhere = ['zod', 'pino', '@opentelemetry/api'];

const productionLibs = [
  'libs/contracts',
  'libs/policy',
  'libs/nkeys',
  'libs/jetstream',
  'libs/service-kit',
  'libs/gateway-sdk',
  'libs/sentinelone',
  'libs/policy-signature',
  'libs/audit-chain',
];
const testingLibs = ['libs/testing', 'libs/simulators'];
const libs = [...productionLibs, ...testingLibs, 'libs/nats-server', 'libs/nats-auth'];

const services = [
  'services/sentinelone-poller',
  'services/device-matcher',
  'services/posture-store',
  'services/policy-engine',
  'services/audit',
  'services/config-sync',
  'services/gateway',
  'services/cli',
];

/** @type {Readonly<Record<string, Allowance>>} */
export const rooms = {
  'libs/contracts': { rooms: [], packages: ['zod'], node: false },
  'libs/policy': { rooms: ['libs/contracts'], packages: ['zod', 'yaml', 'jsonc-parser'], node: false },
  'libs/nkeys': { rooms: [], packages: ['@nats-io/nkeys'] },
  'libs/jetstream': { rooms: ['libs/contracts', 'libs/nkeys'], packages: [...everywhere, ...nest, ...nats] },
  'libs/service-kit': {
    rooms: ['libs/contracts', 'libs/jetstream'],
    packages: [...everywhere, ...nest, ...nats, '@opentelemetry/*', 'pino-pretty'],
  },
  'libs/gateway-sdk': { rooms: ['libs/contracts'], packages: [...everywhere, ...nats] },
  'libs/sentinelone': {
    rooms: ['libs/contracts', 'libs/service-kit'],
    packages: ['zod', 'yaml', 'fastest-levenshtein', '@opentelemetry/api'],
  },
  'libs/policy-signature': { rooms: ['libs/contracts'], packages: [] },
  'libs/audit-chain': { rooms: ['libs/contracts'], packages: [] },
  'libs/simulators': { rooms: ['libs/contracts'], packages: everywhere },
  'libs/nats-server': { rooms: [] },
  'libs/nats-auth': { rooms: ['libs/contracts', 'libs/nkeys'], packages: ['zod', '@nats-io/nkeys', '@nats-io/jwt'] },
  'libs/testing': { rooms: libs },

  ...Object.fromEntries(services.map((service) => [service, { rooms: productionLibs }])),
  'services/cli': { rooms: [...productionLibs, 'libs/nats-auth'] },
  'services/all-in-one': { rooms: [...services, ...productionLibs] },

  'deploy/local': {
    rooms: [
      'services/all-in-one',
      'libs/contracts',
      'libs/jetstream',
      'libs/service-kit',
      'libs/simulators',
      'libs/nats-auth',
      'libs/nats-server',
    ],
  },
  'deploy/lint': { rooms: [] },
  'deploy/docker': { rooms: ['libs/simulators'] },

  'examples/gateway-node': { rooms: ['libs/gateway-sdk'], packages: nats },

  'test/e2e': { rooms: libs },
  'test/bench': { rooms: libs },
  'test/deploy': { rooms: libs },
};

/** What every spec may import besides its room's row. */
export const specsMayImport = [...testingLibs, 'libs/nats-server'];
