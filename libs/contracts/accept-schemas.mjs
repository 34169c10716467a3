// Makes the present schemas the ones that later changes are compared with (src/compatibility/*.json). Run it as
// `npm run contracts:accept` after adding an event or an optional field; anything else needs a new version of the event.
import { mkdir, writeFile } from 'node:fs/promises';
import { EVENTS, eventJsonSchema } from './dist/index.js';

const folder = new URL('src/compatibility/', import.meta.url);
await mkdir(folder, { recursive: true });
for (const contract of EVENTS) {
  await writeFile(
    new URL(`${contract.name}.v1.json`, folder),
    `${JSON.stringify(eventJsonSchema(contract), null, 2)}\n`,
  );
}
console.log(`src/compatibility: the schemas of ${EVENTS.length} events are what later changes are compared with`);
