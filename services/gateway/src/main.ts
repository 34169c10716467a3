import 'reflect-metadata';
import { runService } from '@stance/service-kit';
import { gateway } from './service.js';

await runService(gateway);
