/**
 * More than the messages that the server allows to be unsettled (2,048 per consumer) by far: beyond it, those that were
 * touched longest ago are of messages that were given up.
 */
const MAX_OPEN = 8_192;

/** The devices of agents' messages that are not done with: a retry no longer finds those of the register before. */
export class OpenMoves {
  private readonly devices = new Map<string, ReadonlySet<string>>();

  constructor(private readonly limit = MAX_OPEN) {}

  /** Takes in the devices of a subject's message; returns them with those of what is still open of the subject. */
  open(subject: string, devices: Iterable<string>): ReadonlySet<string> {
    const all = new Set([...(this.devices.get(subject) ?? []), ...devices]);
    // Deleted first: the order in the map tells which was touched longest ago.
    this.devices.delete(subject);
    this.devices.set(subject, all);
    for (const oldest of this.devices.keys()) {
      if (this.devices.size <= this.limit) break;
      this.devices.delete(oldest);
    }
    return all;
  }

  /** Every device of the subject's message is up to date. */
  close(subject: string): void {
    this.devices.delete(subject);
  }
}
