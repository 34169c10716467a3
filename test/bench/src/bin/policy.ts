import { writeFileSync } from 'node:fs';
import { measurePolicies } from '../policy/measure-policies.js';
import { tableOf } from '../rows.js';

/** The benchmark of policy evaluation alone, with the switches of the whole: `--quick` and `--json <file>`. */
const quick = process.argv.includes('--quick');
const jsonFile = process.argv.includes('--json') ? process.argv[process.argv.indexOf('--json') + 1] : undefined;

const figures = await measurePolicies({ quick });
process.stdout.write(`${tableOf(figures.rows).join('\n')}\n`);
if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify(figures, null, 2)}\n`);
