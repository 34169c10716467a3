export { CREDENTIAL_SETTINGS, credentialsIn, gatewayNameOf } from './credentials.js';
export { startAll, type AllServices } from './start-all.js';
