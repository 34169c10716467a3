// @ts-check
/** The table of values in the chart's README, from the comments in values.yaml that begin with `# -- `. */

const DESCRIPTION = /^\s*# -- (.*)$/;
const KEY = /^( *)('?)([\w.-]+)\2:(.*)$/;
const BANNER = /^#{20,}$/;

/**
 * @typedef {object} Value
 * @property {string} path as in `image.tag`
 * @property {string} value as written; empty where it takes several lines
 * @property {string} description
 */

/**
 * Sections in their order, with the values that are described.
 * @param {string} text
 * @returns {Map<string, Value[]>}
 */
function sectionsOf(text) {
  /** @type {Map<string, Value[]>} */
  const sections = new Map();
  /** Keys above the line, with their indentation. @type {{ indent: number, key: string }[]} */
  let above = [];
  let section = '';
  let description = '';
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (BANNER.test(line) && BANNER.test(lines[index + 2] ?? '')) {
      section = (lines[index + 1] ?? '').replace(/^# /, '');
      sections.set(section, []);
    }
    description = DESCRIPTION.exec(line)?.[1] ?? description;
    const found = KEY.exec(line);
    if (found === null) continue;
    const [, spaces = '', , key = '', rest = ''] = found;
    above = [...above.filter(({ indent }) => indent < spaces.length), { indent: spaces.length, key }];
    if (description === '') continue;
    const path = above.map((each) => each.key).join('.');
    sections.get(section)?.push({ path, value: rest.trim(), description });
    description = '';
  }
  return sections;
}

/** @param {string} text */
const cell = (text) => text.replaceAll('|', '\\|');

/**
 * One table for each section.
 * @param {string} text of values.yaml
 */
export function valuesTable(text) {
  return [...sectionsOf(text)]
    .filter(([, values]) => values.length > 0)
    .map(([section, values]) => {
      const rows = values.map(
        ({ path, value, description }) =>
          `| \`${path}\` | ${value === '' ? 'see [values.yaml](values.yaml)' : `\`${cell(value)}\``} | ${cell(description)} |`,
      );
      return [`### ${section}`, '', '| value | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
    })
    .join('\n\n');
}
