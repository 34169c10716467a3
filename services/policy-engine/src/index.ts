export { policyEngine } from './service.js';
