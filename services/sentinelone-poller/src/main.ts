import 'reflect-metadata';
import { runService } from '@stance/service-kit';
import { sentinelonePoller } from './service.js';

await runService(sentinelonePoller);
