/** How the values of an attribute are written and compared. */
export type AttributeType = 'boolean' | 'number' | 'string' | 'version' | 'date' | 'duration' | 'list';

/** Who vouches for a value: only what an agent reported grows stale. */
export type AttributeOrigin = 'agent' | 'inventory' | 'stance';

/** What a policy may ask of an attribute, and what its values mean. */
export interface AttributeDefinition {
  readonly type: AttributeType;
  readonly origin: AttributeOrigin;
  /** The field that it is read from. */
  readonly from: string;
  /** A sentence for the documents and for messages. */
  readonly description: string;
  /** All values there are (of a list: of its entries); any other counts as unknown. From best to worst with `worse: last`. */
  readonly values?: readonly string[];
  /** Which of two values is the worse one, where that can be said; `last` is the one listed later in `values`. */
  readonly worse?: 'true' | 'false' | 'greater' | 'smaller' | 'last';
  /** The value on a machine that is not under attack; another one, or none, must not be forgotten with its agent. */
  readonly clean?: boolean | number | string;
  /** What to do about a value that a policy does not accept. */
  readonly remedy?: string;
}

export type AttributeDefinitions = Readonly<Record<string, AttributeDefinition>>;
