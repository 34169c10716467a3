export * from './permissions.js';
export * from './accounts.js';
export * from './keys.js';
export * from './credentials.js';
export * from './server-config.js';
export * from './operator.js';
export * from './folder.js';
export * from './errors.js';
