import { AgentObserved } from '@stance/contracts';
import { settled } from '@stance/jetstream';
import { defineService, list, Review, SettingProblem, type Setting } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { IdentityReader } from './identity.js';
import { LinkExpiry } from './link-expiry.js';
import { DEFAULT_MATCH_KEYS, MATCH_KEYS, type MatchKey } from './match-keys.js';
import { Matcher } from './matcher.js';
import { createTables, readObservation, readRegister, type Tables } from './matching.store.js';
import { AgentsByState } from './metrics.js';
import { keysIn, Roster } from './roster.js';

const settings = {
  STANCE_MATCH_KEYS: matchKeys(),
  STANCE_PLACEHOLDER_SERIALS: list({
    description: 'serial numbers that identify no machine here, besides those that are known',
  }),
  STANCE_SHARED_MAC_ADDRESSES: list({
    description: 'hardware addresses, or their beginnings, that many machines have, such as of docking stations',
  }),
};

function matchKeys(): Setting<readonly MatchKey[]> {
  const isKey = (name: string): name is MatchKey => (MATCH_KEYS as readonly string[]).includes(name);
  const names = list({
    description: `how agents are matched to devices, the surest key first, of ${MATCH_KEYS.join(', ')}`,
  });
  return {
    ...names,
    default: DEFAULT_MATCH_KEYS.join(','),
    parse: (value) => {
      const keys = names.parse(value);
      const unknown = keys.filter((key) => !isKey(key));
      if (unknown.length > 0) throw new SettingProblem(`does not know ${unknown.join(', ')}`);
      if (new Set(keys).size < keys.length) throw new SettingProblem('names a key twice');
      if (keys.length === 0) throw new SettingProblem('needs at least one key');
      return keys.filter(isKey);
    },
  };
}

export const deviceMatcher = defineService({
  name: 'device-matcher',
  httpPort: 9102,
  settings,
  lease: () => 'device-matcher',
  build: ({ config, connection, publisher, logger }) => {
    const identities = new IdentityReader({
      serials: config.STANCE_PLACEHOLDER_SERIALS,
      macAddresses: config.STANCE_SHARED_MAC_ADDRESSES,
    });
    const roster: Roster = new Roster(config.STANCE_MATCH_KEYS, () => tables);
    const agents = new AgentsByState();
    const tables: Tables = createTables(connection, publisher, identities, agents.beside(roster));
    const matcher = new Matcher(tables, roster, identities, (keys) => readRegister(connection, tables, keys));
    const expiry = new LinkExpiry(
      () => roster.nextLinkEnd(),
      () => matcher.linksEnded({ input: 'link-ended', cause: {} }),
      logger,
    );
    const takeover = { input: 'takeover', cause: {} };
    const register = async (id: string) => {
      const last = await readObservation(connection, keysIn(id));
      if (last === undefined) return;
      const take = () => void tables.agents.apply(last.event, last);
      await matcher.agentObserved(last.event.data, last.sequence, takeover, take);
    };
    const backlogSettled = (stopped: AbortSignal) => settled(connection, AgentObserved, 'device-matcher', stopped);
    const reviews = [
      new Review(
        () => matcher.outdated(),
        (id) => matcher.rematch(id, takeover),
        logger,
      ),
      new Review(() => matcher.unregistered(), register, logger, backlogSettled),
    ];
    let endObservation: (() => void) | undefined;
    return {
      module: AppModule.with({ connection, matcher, roster, tables, expiry }),
      tables: { fed: [tables.agents, tables.devices, tables.registers, tables.links] },
      activate: async () => {
        endObservation = agents.observe();
        for (const review of reviews) review.start();
        expiry.schedule();
      },
      deactivate: async () => {
        endObservation?.();
        await expiry.stop();
        await Promise.all(reviews.map((review) => review.stop()));
      },
    };
  },
});
