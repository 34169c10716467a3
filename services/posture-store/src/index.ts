export { postureStore } from './service.js';
