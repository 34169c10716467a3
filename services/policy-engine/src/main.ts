import 'reflect-metadata';
import { runService } from '@stance/service-kit';
import { policyEngine } from './service.js';

await runService(policyEngine);
