// @ts-check
/**
 * What a panel shows, without where it stands.
 * @typedef {object} Panel
 * @property {string} title
 * @property {'timeseries' | 'stat' | 'heatmap' | 'table'} type
 * @property {string} description Why one looks at it, and what is good.
 * @property {string} unit Of Grafana: `s`, `bytes`, `short`, `percentunit`, `ops`.
 * @property {readonly Query[]} queries
 * @property {readonly Step[]} steps Colours from a value on; the first has none.
 * @property {boolean} stacked
 */

/**
 * @typedef {object} Query
 * @property {string} expr
 * @property {string} legend
 */

/**
 * @typedef {object} Step
 * @property {'green' | 'yellow' | 'red'} color
 * @property {number | null} value
 */

/**
 * A dashboard in a few lines: rows of panels, which share the width of their row.
 * @typedef {object} Dashboard
 * @property {string} uid
 * @property {string} title
 * @property {string} description
 * @property {readonly Variable[]} variables
 * @property {readonly { title: string, panels: readonly Panel[] }[]} rows
 */

/**
 * What a reader chooses from: the values that a label has.
 * @typedef {object} Variable
 * @property {string} name
 * @property {string} query
 */

/** One of several installations, or all: by the label `namespace`, which a single one need not have. */
export const NAMESPACE = { name: 'namespace', query: 'label_values(up{job=~"stance.*"}, namespace)' };

/**
 * @param {string} name
 * @param {string} metric
 * @returns {Variable}
 */
export function labelOf(name, metric) {
  return { name, query: `label_values(${metric}, ${name})` };
}

/**
 * @param {string} expr
 * @param {string} legend
 * @returns {Query}
 */
export function query(expr, legend) {
  return { expr, legend };
}

/**
 * Lines over time.
 * @param {string} title
 * @param {string} unit
 * @param {string} description
 * @param {...Query} queries
 * @returns {Panel}
 */
export function lines(title, unit, description, ...queries) {
  return { title, type: 'timeseries', description, unit, queries, steps: [], stacked: false };
}

/**
 * Lines that add up.
 * @param {string} title
 * @param {string} unit
 * @param {string} description
 * @param {...Query} queries
 * @returns {Panel}
 */
export function stacked(title, unit, description, ...queries) {
  return { ...lines(title, unit, description, ...queries), stacked: true };
}

/**
 * One number each, green, and red from `red` on; where less is worse, red below it.
 * @param {string} title
 * @param {string} unit
 * @param {{ redFrom?: number, redBelow?: number }} limits
 * @param {string} description
 * @param {...Query} queries
 * @returns {Panel}
 */
export function numbers(title, unit, { redFrom, redBelow }, description, ...queries) {
  /** @type {Step[]} */
  const steps =
    redBelow === undefined
      ? [
          { color: 'green', value: null },
          ...(redFrom === undefined ? [] : [{ color: /** @type {const} */ ('red'), value: redFrom }]),
        ]
      : [
          { color: 'red', value: null },
          { color: 'green', value: redBelow },
        ];
  return { title, type: 'stat', description, unit, queries, steps, stacked: false };
}

/**
 * A histogram over time.
 * @param {string} title
 * @param {string} unit
 * @param {string} description
 * @param {Query} buckets
 * @returns {Panel}
 */
export function heatmap(title, unit, description, buckets) {
  return { title, type: 'heatmap', description, unit, queries: [buckets], steps: [], stacked: false };
}
