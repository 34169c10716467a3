import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { boundaryRules } from './deploy/lint/src/boundary-rules.mjs';

const { workspaces } = JSON.parse(readFileSync('package.json', 'utf8'));
const workspaceFolders = globSync(workspaces.map((pattern) => `${pattern}/package.json`)).map(dirname);

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: boundaryRules(workspaceFolders),
  options: {
    // TypeScript 7 has no API to parse with. swc sees type-only imports too, except `import('x').T`: oxlint forbids these.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(libs|services|deploy|test)/[^/]+/dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@stance/source', 'import', 'node', 'default', 'types'],
    },
  },
};
