import type { AttributeValue } from '@stance/contracts';
import { ATTRIBUTES } from './catalogue.js';

const CLEAN_VALUES = Object.entries(ATTRIBUTES).flatMap(([name, { clean }]) =>
  clean === undefined ? [] : [{ name, clean }],
);

/**
 * Whether an agent's values say that its machine is not under attack: at least one attribute of the catalogue that tells is
 * there, and none has another value than its clean one. What says nothing is not clean.
 */
export function isClean(attributes: Readonly<Record<string, AttributeValue>>): boolean {
  const told = CLEAN_VALUES.filter(({ name }) => Object.hasOwn(attributes, name));
  return told.length > 0 && told.every(({ name, clean }) => attributes[name] === clean);
}
