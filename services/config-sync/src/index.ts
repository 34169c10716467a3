export { configSync } from './service.js';
