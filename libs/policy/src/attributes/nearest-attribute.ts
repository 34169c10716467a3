import { nearest, suggestion } from '../nearest.js';
import { ATTRIBUTES } from './catalogue.js';

const NAMES = Object.keys(ATTRIBUTES);

/** `, did you mean X?` for an attribute that does not exist, where one is close; else nothing. */
export function attributeSuggestion(name: string): string {
  const colon = name.indexOf(':') + 1;
  const siblings = NAMES.filter((one) => one.toLowerCase().startsWith(name.slice(0, colon).toLowerCase()));
  // A long namespace would make any two of its attributes near to each other, and an unknown one none.
  if (siblings.length === NAMES.length || siblings.length === 0) {
    return suggestion(name, NAMES) || suggestionByLastPart(name.slice(colon), NAMES);
  }
  return suggestionByLastPart(name.slice(colon), siblings);
}

function suggestionByLastPart(word: string, names: readonly string[]): string {
  const lastPart = (one: string): string => one.slice(one.indexOf(':') + 1);
  const near = nearest(word, names.map(lastPart));
  const name =
    names.find((one) => lastPart(one) === near) ??
    names.find((one) => word.length > 3 && lastPart(one).toLowerCase().startsWith(word.toLowerCase()));
  return name === undefined ? '' : `, did you mean ${name}?`;
}
