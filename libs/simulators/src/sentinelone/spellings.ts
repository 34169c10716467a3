import type { Agent } from './agent.js';
import { writeRow } from './malformed.js';
import type { Fields, RowForm, Spelling } from './malformed.js';

/** How each agent's record is written: as it is, unless a scenario says otherwise. Filters and sorting go on reading what the tenant holds. */
export class Spellings {
  readonly #odd = new Map<string, Spelling>();

  write(agent: Agent): string {
    const spelling = this.#odd.get(agent.id);
    return spelling === undefined ? JSON.stringify(agent) : writeRow(agent, spelling);
  }

  /** These fields instead of those set before; none set ends it. */
  setFields(id: string, fields: Fields): void {
    this.#set(id, { fields, forms: this.#odd.get(id)?.forms ?? [] });
  }

  /** One more form besides those the agent's record has. */
  addForm(id: string, form: RowForm): void {
    const { fields = {}, forms = [] } = this.#odd.get(id) ?? {};
    this.#set(id, { fields, forms: [...new Set([...forms, form])] });
  }

  clear(id: string): void {
    this.#odd.delete(id);
  }

  #set(id: string, spelling: Spelling): void {
    if (spelling.forms.length === 0 && Object.keys(spelling.fields).length === 0) this.#odd.delete(id);
    else this.#odd.set(id, spelling);
  }
}
