export * from './permissions.js';
export * from './accounts/account-plan.js';
export * from './accounts/accounts.js';
export * from './server-config.js';
export * from './operator.js';
export * from './format.js';
export type { EstateChange } from './estate-change.js';
export * from './folder.js';
export * from './errors.js';
