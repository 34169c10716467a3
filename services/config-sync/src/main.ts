import 'reflect-metadata';
import { runService } from '@stance/service-kit';
import { configSync } from './service.js';

await runService(configSync);
