export * from './configuration.js';
export * from './duration.js';
export * from './health-server.js';
export * from './log.js';
export * from './run-service.js';
export * from './service.js';
export { COMMON_SETTINGS, httpPortSetting } from './settings.js';
export { startTelemetry } from './telemetry.js';
