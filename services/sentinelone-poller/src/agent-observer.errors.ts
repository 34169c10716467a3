/** Agents are known of whom no event can hold everything. */
export class AgentsOversized extends Error {
  override readonly name = 'AgentsOversized';

  constructor(agentIds: ReadonlySet<string>) {
    super(
      `${agentIds.size} agent records are too large for an event (${someOf(agentIds)}): these agents ` +
        'are observed without attributes, and denied whatever asks for one. Remove what fills the record, such as tags',
    );
  }
}

/** A console shows several records of one agent id. */
export class AgentsDoubled extends Error {
  override readonly name = 'AgentsDoubled';

  constructor(agentIds: ReadonlySet<string>) {
    super(
      `the console shows several records of one id, for ${agentIds.size} ids (${someOf(agentIds)}): what such records ` +
        'differ in is unknown, and denied wherever it is asked for. Remove all but one of each in the console',
    );
  }
}

/** Another poller has stored something else, and nobody can tell which of the two is the later word. */
export class StoredMeanwhile extends Error {
  override readonly name = 'StoredMeanwhile';

  constructor(agentId: string) {
    super(`another poller of this source has just stored what it read of agent ${agentId}: it is read again`);
  }
}

function someOf(agentIds: ReadonlySet<string>): string {
  return `${[...agentIds].slice(0, 5).join(', ')}${agentIds.size > 5 ? ', …' : ''}`;
}
