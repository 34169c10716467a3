import { ATTRIBUTES } from './catalogue.js';
import type { AttributeDefinition } from './definition.js';

const NAMESPACES = [
  ['sentinelOne', 'Read from the agent record of the SentinelOne console. They grow stale: see `maxAge`.'],
  ['device', 'Read from the inventory. They do not grow stale.'],
  ['stance', 'What Stance itself knows. They do not grow stale; `stance:lastSeenAge` grows with time.'],
] as const;

const WORSE = {
  true: 'true',
  false: 'false',
  greater: 'the greater',
  smaller: 'the smaller',
  last: 'the one listed later',
} as const satisfies Record<NonNullable<AttributeDefinition['worse']>, string>;

/** The attribute catalogue as a Markdown page. */
export function attributeCatalogueMarkdown(): string {
  const sections = NAMESPACES.map(([namespace, introduction]) => {
    const rows = Object.entries(ATTRIBUTES).filter(([name]) => name.startsWith(`${namespace}:`));
    return [
      `## ${namespace}`,
      '',
      introduction,
      '',
      '| attribute | type | values | worse | meaning | from |',
      '|---|---|---|---|---|---|',
      ...rows.map(([name, definition]) => row(name, definition)),
      '',
    ].join('\n');
  });
  return `# Attributes\n\nWhat a condition of a policy may ask for. A value outside its enumeration counts as unknown.\n\n${sections.join('\n')}`;
}

function row(name: string, { type, values, worse, description, from }: AttributeDefinition): string {
  const cells = [
    `\`${name}\``,
    type,
    values?.map((value) => `\`${value}\``).join(', ') ?? '',
    worse === undefined ? '' : WORSE[worse],
    description,
    from,
  ];
  return `| ${cells.join(' | ')} |`;
}
