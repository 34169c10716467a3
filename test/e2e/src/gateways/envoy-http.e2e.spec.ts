import { enforcement } from './enforcement.js';
import { envoyOn } from './envoy.js';

await enforcement('envoy', 'Envoy with HTTP ext_authz', (binary) => envoyOn('http', binary));
