export { gateway } from './service.js';
export { AuthorizeServer, ListenFailed, type AuthorizeServerOptions } from './authorize-server.js';
export { GatewayFileInvalid, parseGatewayFile, readGatewayFile, type GatewayFile } from './gateway-file.js';
