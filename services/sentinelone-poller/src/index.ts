export { pollersOf } from './pollers.js';
export { sentinelonePoller } from './service.js';
