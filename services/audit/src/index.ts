export { audit } from './service.js';
