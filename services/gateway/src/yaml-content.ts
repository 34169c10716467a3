import { parseDocument, type DocumentOptions, type ParseOptions, type SchemaOptions } from 'yaml';

/** Thrown for a text whose content cannot be had. */
export class NoYaml extends Error {
  override readonly name = 'NoYaml';
  constructor(
    /** A line each. */
    readonly problems: readonly string[],
  ) {
    super(problems.join('; '));
  }
}

/** What a YAML or JSON text says, its keys unique and without aliases. Throws {@link NoYaml}. */
export function yamlContent(text: string, options: ParseOptions & DocumentOptions & SchemaOptions = {}): unknown {
  const document = parseDocument(text, { uniqueKeys: true, ...options });
  if (document.errors.length > 0) throw new NoYaml(document.errors.map(({ message }) => firstLineOf(message)));
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw new NoYaml([`has aliases, which are not taken: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

function firstLineOf(message: string): string {
  return message.split('\n')[0] ?? message;
}
