import { writeFileSync } from 'node:fs';
import { GATEWAY_PARTS, measureGateway } from '../gateway/measure-gateway.js';
import { tableOf } from '../rows.js';

/**
 * The benchmark of the gateway alone, with the switches of the whole: `--quick` and `--json <file>`. Names of parts
 * (`authorize`, `nginx`, `cut`, `decisions`, `relay`) leave the others out.
 */
const quick = process.argv.includes('--quick');
const jsonFile = process.argv.includes('--json') ? process.argv[process.argv.indexOf('--json') + 1] : undefined;
const named = GATEWAY_PARTS.filter((part) => process.argv.includes(part));

const figures = await measureGateway({ quick, parts: named.length === 0 ? GATEWAY_PARTS : named });
process.stdout.write(`${tableOf(figures.rows).join('\n')}\n`);
if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify(figures, null, 2)}\n`);
