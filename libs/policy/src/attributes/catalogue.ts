import type { AttributeDefinition, AttributeDefinitions } from './definition.js';
import { deviceAttributes, stanceAttributes } from './own.js';
import { sentinelOneAttributes } from './sentinelone.js';

/** Every attribute that a policy may name, by full name. */
export const ATTRIBUTES: AttributeDefinitions = {
  ...sentinelOneAttributes,
  ...deviceAttributes,
  ...stanceAttributes,
};

/** The definition of an attribute; undefined for a name that the catalogue does not hold. */
export function attributeDefinition(name: string): AttributeDefinition | undefined {
  return Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name] : undefined;
}
