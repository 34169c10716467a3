import { enforcement } from './enforcement.js';
import { envoyOn } from './envoy.js';

await enforcement('envoy', 'Envoy with gRPC ext_authz', (binary) => envoyOn('grpc', binary));
