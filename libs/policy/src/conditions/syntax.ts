/** The operators of the condition language, as written. */
export const OPERATORS = ['==', '!=', '<', '<=', '>', '>=', 'IN', 'NOT IN', 'CONTAINS', 'IS SET', 'NOT SET'] as const;
export type Operator = (typeof OPERATORS)[number];

/** A value as written: in quotes, or bare such as `true`, `24`, `1h`. */
export interface Literal {
  readonly text: string;
  readonly quoted: boolean;
  /** Where it starts in the condition, from 0. */
  readonly offset: number;
}

/** A condition that follows the grammar; whether its attribute exists and its values fit is not known yet. */
export interface ConditionSyntax {
  readonly attribute: string;
  readonly operator: Operator;
  readonly operatorOffset: number;
  /** One value, those of a list, or none for `IS SET` and `NOT SET`. */
  readonly literals: readonly Literal[];
  /** Operator and values as written. */
  readonly expected: string;
}

/** Thrown for a condition that cannot be used; the message says what was expected, `offset` where in its text. */
export class InvalidCondition extends Error {
  override readonly name = 'InvalidCondition';

  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

const MAX_CHARACTERS = 4096;
const TOKEN = /\s*(?:('[^']*'|"[^"]*")|(==|!=|<=|>=|[<>=![\],])|([^\s'"<>=![\],]+))/y;
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);

interface Token {
  readonly kind: 'quoted' | 'symbol' | 'word' | 'end';
  readonly text: string;
  readonly offset: number;
}

/**
 * Reads `<namespace>:<name> <operator> <value>`, the grammar of Tailscale's posture conditions.
 * @throws {InvalidCondition}
 */
export function readSyntax(text: string): ConditionSyntax {
  if (text.length > MAX_CHARACTERS) {
    throw new InvalidCondition(`a condition has at most ${MAX_CHARACTERS} characters`, MAX_CHARACTERS);
  }
  const tokens = new Tokens(text);
  const attribute = tokens.next();
  if (attribute.kind !== 'word') {
    throw new InvalidCondition('expected an attribute such as sentinelOne:infected', attribute.offset);
  }
  const operatorOffset = tokens.peek().offset;
  const operator = readOperator(tokens);
  const literals = readLiterals(tokens, operator);
  const rest = tokens.peek();
  if (rest.kind !== 'end') {
    throw new InvalidCondition(
      `expected nothing after the value, got ${rest.text}; write each condition as an entry of its own`,
      rest.offset,
    );
  }
  return { attribute: attribute.text, operator, operatorOffset, literals, expected: text.slice(operatorOffset).trim() };
}

function readOperator(tokens: Tokens): Operator {
  const token = tokens.next();
  if (token.kind === 'symbol' && COMPARISONS.has(token.text)) return token.text as Operator;
  if (token.kind === 'symbol' && token.text === '=') throw new InvalidCondition('= is written ==', token.offset);
  const word = token.kind === 'word' ? token.text.toUpperCase() : '';
  if (word === 'IN' || word === 'CONTAINS') return word;
  if (word === 'IS') {
    tokens.keyword('SET', 'IS');
    return 'IS SET';
  }
  if (word === 'NOT') return tokens.keyword('IN or SET', 'NOT') === 'IN' ? 'NOT IN' : 'NOT SET';
  const got = token.kind === 'end' ? 'the end' : token.text;
  throw new InvalidCondition(`expected an operator (${OPERATORS.join(', ')}), got ${got}`, token.offset);
}

function readLiterals(tokens: Tokens, operator: Operator): Literal[] {
  if (operator === 'IS SET' || operator === 'NOT SET') return [];
  const listed = operator === 'IN' || operator === 'NOT IN';
  const first = tokens.peek();
  const opens = first.kind === 'symbol' && first.text === '[';
  if (!listed && opens) throw new InvalidCondition(`${operator} takes one value, not a list`, first.offset);
  if (!listed) return [readLiteral(tokens)];
  if (!opens) throw new InvalidCondition(`${operator} takes a list such as ['a', 'b']`, first.offset);
  tokens.next();
  const literals: Literal[] = [];
  for (;;) {
    literals.push(readLiteral(tokens));
    const separator = tokens.next();
    if (separator.kind === 'symbol' && separator.text === ']') return literals;
    if (separator.kind !== 'symbol' || separator.text !== ',') {
      throw new InvalidCondition('expected , or ] in the list', separator.offset);
    }
  }
}

function readLiteral(tokens: Tokens): Literal {
  const token = tokens.next();
  if (token.kind === 'word') return { text: token.text, quoted: false, offset: token.offset };
  if (token.kind === 'quoted') return { text: token.text.slice(1, -1), quoted: true, offset: token.offset };
  throw new InvalidCondition(`expected a value, got ${token.kind === 'end' ? 'the end' : token.text}`, token.offset);
}

class Tokens {
  readonly #text: string;
  #position = 0;
  #peeked: Token | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  peek(): Token {
    this.#peeked ??= this.#read();
    return this.#peeked;
  }

  next(): Token {
    const token = this.peek();
    this.#peeked = undefined;
    return token;
  }

  /** The next word, which has to be one of `expected`. */
  keyword(expected: string, after: string): string {
    const token = this.next();
    const word = token.text.toUpperCase();
    if (token.kind === 'word' && expected.split(' or ').includes(word)) return word;
    throw new InvalidCondition(`expected ${expected} after ${after}`, token.offset);
  }

  #read(): Token {
    TOKEN.lastIndex = this.#position;
    const match = TOKEN.exec(this.#text);
    if (match === null) return this.#readEnd();
    this.#position = TOKEN.lastIndex;
    const [, quoted, symbol, word] = match;
    const text = quoted ?? symbol ?? word ?? '';
    const kind = quoted !== undefined ? 'quoted' : symbol !== undefined ? 'symbol' : 'word';
    return { kind, text, offset: this.#position - text.length };
  }

  #readEnd(): Token {
    const rest = this.#text.slice(this.#position);
    const offset = this.#text.length - rest.trimStart().length;
    if (rest.trim() !== '') throw new InvalidCondition('this quote is never closed', offset);
    return { kind: 'end', text: '', offset: this.#text.trimEnd().length };
  }
}
