export { gateway } from './service.js';
export { AuthorizeServer, type AuthorizeServerOptions } from './forward-auth/authorize-server.js';
export { GatewayFileInvalid, parseGatewayFile, readGatewayFile, type GatewayFile } from './file/gateway-file.js';
