/** A line with more below it. */
export interface TreeNode {
  readonly text: string;
  readonly children?: readonly (TreeNode | undefined)[];
}

/** A tree as lines, with branches drawn below the root. */
export function treeLines({ text, children = [] }: TreeNode): string[] {
  const below = children.filter((child) => child !== undefined);
  return [
    text,
    ...below.flatMap((child, index) => {
      const last = index === below.length - 1;
      const [first = '', ...rest] = treeLines(child);
      return [`${last ? '└─' : '├─'} ${first}`, ...rest.map((line) => `${last ? '  ' : '│ '} ${line}`)];
    }),
  ];
}
