import { attributeDefinition } from '../attributes/catalogue.js';
import type { AttributeDefinition } from '../attributes/definition.js';
import { attributeSuggestion } from '../attributes/nearest-attribute.js';
import { suggestion } from '../nearest.js';
import { InvalidCondition, readSyntax, type ConditionSyntax, type Literal, type Operator } from './syntax.js';
import { VALUE_TYPES } from './value-type.js';

/** A condition whose attribute exists and whose operator and values fit its type. */
export interface Condition {
  /** As written. */
  readonly text: string;
  readonly attribute: string;
  readonly definition: AttributeDefinition;
  readonly operator: Operator;
  readonly literals: readonly Literal[];
  /** Operator and values as written. */
  readonly expected: string;
}

/**
 * Reads and type-checks one condition.
 * @throws {InvalidCondition}
 */
export function parseCondition(text: string): Condition {
  const syntax = readSyntax(text);
  const definition = attributeDefinition(syntax.attribute);
  if (definition === undefined) throw unknownAttribute(syntax.attribute, text.indexOf(syntax.attribute));
  checkOperator(syntax, definition);
  for (const literal of syntax.literals) checkLiteral(literal, syntax, definition);
  const { attribute, operator, literals, expected } = syntax;
  return { text: text.trim(), attribute, definition, operator, literals, expected };
}

function unknownAttribute(name: string, offset: number): InvalidCondition {
  const hint = attributeSuggestion(name);
  return new InvalidCondition(
    `there is no attribute ${shorten(name)}${hint || '; see the attribute catalogue'}`,
    offset,
  );
}

function checkOperator({ attribute, operator, operatorOffset }: ConditionSyntax, { type }: AttributeDefinition): void {
  const usable = operatorsFor(type);
  if (usable.includes(operator)) return;
  throw new InvalidCondition(
    `${attribute} is a ${type}, which ${operator} cannot compare; use one of ${usable.join(', ')}`,
    operatorOffset,
  );
}

/** The operators that a condition on an attribute of this type may use. */
function operatorsFor(type: AttributeDefinition['type']): readonly Operator[] {
  if (type === 'list') return ['CONTAINS', 'IS SET', 'NOT SET'];
  const order: Operator[] = VALUE_TYPES[type].ordered ? ['<', '<=', '>', '>='] : [];
  return ['==', '!=', ...order, 'IN', 'NOT IN', 'IS SET', 'NOT SET'];
}

function checkLiteral(literal: Literal, { attribute }: ConditionSyntax, { type, values }: AttributeDefinition): void {
  const valueType = VALUE_TYPES[type];
  if (valueType.literal(literal) === undefined) {
    const entry = type === 'list' ? ' of strings' : '';
    throw new InvalidCondition(
      `${attribute} is a ${type}${entry}: expected ${valueType.written}, got ${asWritten(literal)}`,
      literal.offset,
    );
  }
  if (values !== undefined && !values.includes(literal.text)) {
    const hint = suggestion(literal.text, values) || `; it has one of ${values.join(', ')}`;
    throw new InvalidCondition(`${attribute} is never '${shorten(literal.text)}'${hint}`, literal.offset);
  }
}

function asWritten({ text, quoted }: Literal): string {
  return quoted ? `'${shorten(text)}'` : shorten(text);
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
