export { CREDENTIAL_SETTINGS, gatewayNameOf } from './credentials.js';
export { startAll, type AllServices } from './start-all.js';
