export * from './keys.js';
export * from './credentials.js';
