import { Document, isCollection, isMap, isScalar, isSeq } from 'yaml';
import type { Path } from './json-source.js';

/** What a test of the policy describes and expects, and which part of the source it comes from. */
export interface DraftTest {
  readonly path: Path;
  readonly name: string;
  readonly from?: 'passing';
  readonly device: {
    readonly owner?: string;
    readonly groups?: readonly string[];
    readonly tags?: readonly string[];
    readonly os?: string;
    readonly attributes?: Readonly<Record<string, boolean | number | string>>;
  };
  readonly expect: ReadonlyMap<string, 'allow' | 'deny'>;
}

export interface DraftRule {
  readonly name: string;
  readonly resources: readonly string[];
  readonly groups?: readonly string[];
  readonly tags?: readonly string[];
  readonly owners?: readonly string[];
  readonly require?: readonly string[];
  readonly requireAny?: readonly string[];
}

export interface DraftPosture {
  readonly conditions: readonly string[];
  /** As a policy writes it, such as `24h`. */
  readonly maxAge?: string;
}

/** A policy on its way from another system's file to a document. */
export interface PolicyDraft {
  /** The system that the file is of. */
  readonly from: string;
  readonly postures: ReadonlyMap<string, DraftPosture>;
  /** Names of resources, with what each is in the source. */
  readonly resources: ReadonlyMap<string, string>;
  readonly rules: readonly DraftRule[];
  readonly tests: readonly DraftTest[];
}

/** The one gateway of an imported policy, until its resources are put behind real ones. */
const IMPORTED_GATEWAY = 'imported';

/** The policy as YAML, beginning with the line by which editors find the schema. */
export function writeDraft({ from, postures, resources, rules, tests }: PolicyDraft): string {
  const document = new Document(
    {
      version: 1,
      ...(postures.size === 0 ? {} : { postures: Object.fromEntries([...postures].map(fieldsOfPosture)) }),
      ...(resources.size === 0 ? {} : { gateways: { [IMPORTED_GATEWAY]: { resources: [...resources.keys()] } } }),
      ...(rules.length === 0 ? {} : { rules }),
      ...(tests.length === 0 ? {} : { tests: tests.map(fieldsOfTest) }),
    },
    { aliasDuplicateObjects: false },
  );
  document.commentBefore = [
    ' yaml-language-server: $schema=./docs/policy.schema.json',
    ` Imported from ${from}. Nothing else is allowed than what stands here.`,
  ].join('\n');
  const listed = document.getIn(['gateways', IMPORTED_GATEWAY, 'resources']);
  for (const node of isSeq(listed) ? listed.items : []) {
    if (isScalar(node)) node.comment = ` ${printable(resources.get(String(node.value)) ?? '')}`;
  }
  for (const section of ['rules', 'tests']) foldEntries(document.get(section));
  return document.toString({ lineWidth: 0, singleQuote: true });
}

function fieldsOfPosture([name, { conditions, maxAge }]: [string, DraftPosture]): [string, unknown] {
  return [name, maxAge === undefined ? conditions : { maxAge, conditions }];
}

const fieldsOfTest = ({ name, from, device, expect }: DraftTest): unknown => ({
  name,
  ...(from === undefined ? {} : { from }),
  device,
  expect: Object.fromEntries(expect),
});

/** What a rule or test lists stands on one line, as people write it. */
function foldEntries(section: unknown): void {
  if (!isSeq(section)) return;
  for (const { value } of section.items.filter(isMap).flatMap(({ items }) => items)) {
    if (isCollection(value)) value.flow = true;
  }
}

/** On one line, without characters that could rewrite a screen. */
const printable = (text: string): string => text.replaceAll(/[\p{C}\u2028\u2029]/gu, '\uFFFD');
