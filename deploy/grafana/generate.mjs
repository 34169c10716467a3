// @ts-check
/** Writes `dashboards/` from `src/`; with `--check` only says whether they are as they would be written, by its exit code. */
import { readFile, writeFile } from 'node:fs/promises';
import { fleetPosture } from './src/fleet-posture.mjs';
import { nats } from './src/nats.mjs';
import { pipelineHealth } from './src/pipeline-health.mjs';
import { reactionTime } from './src/reaction-time.mjs';
import { render } from './src/render.mjs';
import { sources } from './src/sources.mjs';

for (const dashboard of [fleetPosture, reactionTime, pipelineHealth, sources, nats]) {
  const file = new URL(`dashboards/${dashboard.uid.replace('stance-', '')}.json`, import.meta.url);
  const json = JSON.stringify(render(dashboard), undefined, 2);
  // As prettier has it: a list of one text on one line.
  const text = `${json.replaceAll(/\[\s+("[^"]*")\s+\]/g, '[$1]')}\n`;
  if (!process.argv.includes('--check')) await writeFile(file, text);
  else if ((await readFile(file, 'utf8')) !== text) {
    process.stderr.write(`${file.pathname} is not what its source says: run \`node deploy/grafana/generate.mjs\`\n`);
    process.exitCode = 1;
  }
}
