import 'reflect-metadata';
import { runService } from '@stance/service-kit';
import { postureStore } from './service.js';

await runService(postureStore);
