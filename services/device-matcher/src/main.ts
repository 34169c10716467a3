import 'reflect-metadata';
import { runService } from '@stance/service-kit';
import { deviceMatcher } from './service.js';

await runService(deviceMatcher);
