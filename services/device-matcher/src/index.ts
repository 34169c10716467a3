export { deviceMatcher } from './service.js';
