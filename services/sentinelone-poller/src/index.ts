export { sentinelonePoller } from './service.js';
