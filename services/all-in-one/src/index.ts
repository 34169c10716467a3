export { startAll, type AllServices } from './start-all.js';
