import type { Agent } from './agent.js';
import { AGENT_COLUMNS } from './agent-query.js';
import { ApiRefusal } from './api-errors.js';
import { decodeCursor } from './cursor.js';
import type { Cursor } from './cursor.js';
import type { ShiftFault } from './faults.js';
import type { Fleet } from './fleet.js';
import { comparePositions } from './ordered-index.js';
import { Random } from './random.js';

/** Changes the fleet between two pages of a listing: the same seed and listing give the same changes. */
export class PageShifts {
  #strikes = 0;

  constructor(private readonly fleet: Fleet) {}

  /** `parameters` are those of the request for the further page. */
  apply({ touch = 0, remove = 0, insert = 0, among = 'any', seed = 1 }: ShiftFault, parameters: URLSearchParams): void {
    this.#strikes += 1;
    const random = new Random(seed, this.#strikes);
    const pool = this.#candidates(among, readCursor(parameters.get('cursor') ?? ''));
    for (const { id } of draw(pool, touch, random)) this.fleet.update(id, {});
    for (const { id } of draw(pool, remove, random)) this.fleet.remove(id);
    for (let added = 0; added < insert; added += 1) this.fleet.add();
  }

  #candidates(among: 'read' | 'unread' | 'any', cursor: Cursor | undefined): Agent[] {
    const current = this.fleet.list().filter((agent) => !agent.isDecommissioned && !agent.isUninstalled);
    if (among === 'any' || cursor === undefined) return current;
    const read = AGENT_COLUMNS.get(cursor.sortBy);
    const direction = cursor.descending ? -1 : 1;
    return current.filter((agent) => {
      const place = direction * comparePositions({ value: read?.(agent) ?? null, id: agent.id }, cursor);
      return among === 'unread' ? place > 0 : place <= 0;
    });
  }
}

/** Takes `count` out of the pool, fewer when it holds fewer. */
function draw(pool: Agent[], count: number, random: Random): Agent[] {
  const drawn: Agent[] = [];
  while (drawn.length < count && pool.length > 0) drawn.push(...pool.splice(random.below(pool.length), 1));
  return drawn;
}

/** Undefined for a broken cursor, which the answer refuses. */
function readCursor(text: string): Cursor | undefined {
  try {
    return decodeCursor(text, 'AgentView');
  } catch (error) {
    if (error instanceof ApiRefusal) return undefined;
    throw error;
  }
}
