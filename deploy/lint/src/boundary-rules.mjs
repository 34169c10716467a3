// @ts-check
import { rooms, specsMayImport } from './rooms.mjs';

/** @typedef {import('dependency-cruiser').IForbiddenRuleType} Rule */

const OURS = '^(libs|services|deploy|test|examples)/';
/** Specs, and the folders of what only they use. */
const SPEC = String.raw`([.]spec|/(spec|fixtures)/.+)[.](ts|mjs)$`;

/** @param {readonly string[]} names Room names; the result matches any file inside one of them. */
const inside = (names) => names.map((name) => `^${name}/`);

/** @param {string} name An npm package, or a scope as `@scope/*`; the result matches any file of it. */
const packageFiles = (name) => `(^|/)node_modules/${name.replace(/[*]$/, '[^/]+')}/`;

/**
 * The rules that one row of the rooms table stands for.
 * @param {string} room
 * @param {import('./rooms.mjs').Allowance} allowance
 * @returns {Rule[]}
 */
function rulesOfRoom(room, allowance) {
  const allowedRooms = inside([room, ...allowance.rooms]);
  const production = { path: `^${room}/`, pathNot: SPEC };
  /** @type {Rule[]} */
  const rules = [
    {
      name: `${room}: rooms`,
      comment: `It may import only ${allowance.rooms.join(', ') || 'its own files'} (deploy/lint/src/rooms.mjs).`,
      severity: 'error',
      from: production,
      to: { path: OURS, pathNot: allowedRooms },
    },
    {
      name: `${room}: rooms of specs`,
      comment: `Its specs may import, besides what the room may, only ${specsMayImport.join(', ')}.`,
      severity: 'error',
      from: { path: `^${room}/.*${SPEC}` },
      to: { path: OURS, pathNot: [...allowedRooms, ...inside(specsMayImport)] },
    },
  ];
  if (allowance.packages) {
    rules.push({
      name: `${room}: packages`,
      comment: `Of npm it may import only ${allowance.packages.join(', ')}.`,
      severity: 'error',
      from: production,
      to: { path: '(^|/)node_modules/', pathNot: allowance.packages.map(packageFiles) },
    });
  }
  if (allowance.node === false) {
    rules.push({
      name: `${room}: pure`,
      comment: `It computes and does nothing else: no module of Node's.`,
      severity: 'error',
      // Scripts beside the sources write what these compute.
      from: { path: `^${room}/src/`, pathNot: SPEC },
      to: { dependencyTypes: ['core'] },
    });
  }
  return rules;
}

/** @type {Rule[]} */
const rulesForAll = [
  {
    name: 'no-cycle',
    comment: 'These files import each other. Move what both need into a third file.',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-unresolvable',
    comment: 'Nothing is found there. Another package is imported by its name alone: only its index is public.',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'no-deep-import',
    comment: 'Another package is imported by its name and only its index is public.',
    severity: 'error',
    from: { path: `${OURS}([^/]+)/` },
    to: { path: OURS, pathNot: ['^$1/$2/', String.raw`^[^/]+/[^/]+/src/index[.]ts$`] },
  },
  {
    name: 'no-relative-import-of-a-package',
    comment: 'Import another package by its name, not by a path to its files.',
    severity: 'error',
    from: { path: `${OURS}([^/]+)/` },
    to: { path: OURS, pathNot: '^$1/$2/', dependencyTypes: ['local'] },
  },
  {
    name: 'specs-stay-outside',
    comment: 'Specs and what belongs to them are imported by specs alone.',
    severity: 'error',
    from: { pathNot: SPEC },
    to: { path: `${OURS}.*${SPEC}` },
  },
  {
    name: 'before-installation',
    comment: 'These scripts run before anything is installed, under any Node: only modules of Node and each other.',
    severity: 'error',
    from: { path: String.raw`^deploy/local/[^/]+[.]mjs$` },
    to: { pathNot: String.raw`^deploy/local/[^/]+[.]mjs$`, dependencyTypesNot: ['core'] },
  },
];

/**
 * Every boundary rule, for dependency-cruiser.
 * @param {readonly string[]} workspaces Folders of all npm workspaces, such as `libs/contracts`.
 * @throws {RoomWithoutRow} when a workspace has no row in the rooms table.
 * @returns {Rule[]}
 */
export function boundaryRules(workspaces) {
  const missing = workspaces.filter((workspace) => !Object.hasOwn(rooms, workspace));
  if (missing.length > 0) throw new RoomWithoutRow(missing);
  return [...Object.entries(rooms).flatMap(([room, allowance]) => rulesOfRoom(room, allowance)), ...rulesForAll];
}

/** Thrown when the rooms table does not say what a workspace may import. */
class RoomWithoutRow extends Error {
  /** @param {readonly string[]} workspaces */
  constructor(workspaces) {
    super(`${workspaces.join(', ')}: no row in deploy/lint/src/rooms.mjs. Add one that says what it may import.`);
    this.name = 'RoomWithoutRow';
  }
}
