import 'reflect-metadata';
import { runService } from '@stance/service-kit';
import { audit } from './service.js';

await runService(audit);
