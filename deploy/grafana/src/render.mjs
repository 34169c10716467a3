// @ts-check
/** @import { Dashboard, Panel, Variable } from './panel.mjs' */

const WIDTH = 24;
const HEIGHT = { stat: 5, timeseries: 8, heatmap: 8, table: 8 };
const DATA_SOURCE = { type: 'prometheus', uid: '${datasource}' };

/**
 * A dashboard as Grafana reads it from a file; the same for the same definition.
 * @param {Dashboard} dashboard
 */
export function render({ uid, title, description, variables, rows }) {
  const panels = [];
  let id = 0;
  let y = 0;
  for (const row of rows) {
    panels.push({
      id: ++id,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
      panels: [],
    });
    y += 1;
    const width = Math.floor(WIDTH / row.panels.length);
    for (const [index, panel] of row.panels.entries()) {
      const gridPos = { x: index * width, y, w: width, h: HEIGHT[panel.type] };
      panels.push({ id: ++id, ...rendered(panel), gridPos });
    }
    y += Math.max(...row.panels.map(({ type }) => HEIGHT[type]));
  }
  return {
    uid,
    title,
    description,
    tags: ['stance'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    templating: { list: [dataSource(), ...variables.map(variable)] },
    links: [
      { type: 'dashboards', tags: ['stance'], asDropdown: true, title: 'Stance', includeVars: true, keepTime: true },
    ],
    panels,
  };
}

/** @param {Panel} panel */
function rendered({ title, type, description, unit, queries, steps, stacked }) {
  return {
    title,
    type,
    description,
    datasource: DATA_SOURCE,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: 'ABCDEFGH'.charAt(index),
      datasource: DATA_SOURCE,
      expr,
      legendFormat: legend,
      ...(type === 'heatmap' && { format: 'heatmap' }),
      ...(type === 'stat' && { instant: true }),
    })),
    fieldConfig: {
      defaults: {
        unit,
        ...(steps.length > 0 && { thresholds: { mode: 'absolute', steps } }),
        ...(type === 'timeseries' && {
          custom: {
            fillOpacity: stacked ? 30 : 5,
            showPoints: 'auto',
            stacking: { mode: stacked ? 'normal' : 'none' },
          },
        }),
      },
      overrides: [],
    },
    options: optionsOf(type),
  };
}

/** @param {Panel['type']} type */
function optionsOf(type) {
  if (type === 'stat') return { colorMode: 'value', graphMode: 'none', reduceOptions: { calcs: ['lastNotNull'] } };
  if (type === 'heatmap') return { calculate: false, yAxis: { unit: 's' } };
  return { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } };
}

function dataSource() {
  return { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {} };
}

/** @param {Variable} variable */
function variable({ name, query }) {
  return {
    name,
    type: 'query',
    datasource: DATA_SOURCE,
    query: { query, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    // Also what has no such label.
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  };
}
