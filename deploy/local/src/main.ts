import 'reflect-metadata';
import { runProcess } from '@stance/service-kit';
import { startLocalStack } from './local-stack.js';
import { createTerminal } from './terminal.js';

await runProcess('stance', () =>
  startLocalStack(process.env, process.cwd(), createTerminal(process.stdout, process.stderr)),
);
