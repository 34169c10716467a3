#!/usr/bin/env node
/** The `stance` command. Runs before anything is known to be built, under any Node: checks both, then hands over. */
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
const neededMajor = 24;

if (Number(process.versions.node.split('.')[0]) < neededMajor) {
  stop(`stance needs Node ${neededMajor}, this is ${process.version}: run it as \`npx stance\` after \`npm install\``);
} else if (!existsSync(main)) {
  stop('stance is not built yet: run `npm run build` or `npm start` first');
} else {
  const { main: run } = await import(main.href);
  process.exitCode = await run(process.argv.slice(2));
}

/** @param {string} problem */
function stop(problem) {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 2;
}
