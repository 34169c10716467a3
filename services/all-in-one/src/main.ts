import 'reflect-metadata';
import { runProcess } from '@stance/service-kit';
import { startAll } from './start-all.js';

await runProcess('stance', () => startAll(process.env));
