export { importCloudflare } from './import-cloudflare.js';
export { importNetBird } from './import-netbird.js';
export { importTailscale } from './tailscale/import-tailscale.js';
export type { ImportError, ImportNote, ImportResult, ImportSeverity } from './result.js';
