import 'reflect-metadata';
import { runProcess } from '@stance/service-kit';
import { startPollers } from './pollers.js';

await runProcess('sentinelone-poller', () => startPollers(process.env));
