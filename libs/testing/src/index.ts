export { startFaultProxy, type FaultProxy, type FaultProxyOptions } from './fault-proxy.js';
export { freePort } from './free-port.js';
export {
  MatchingModel,
  type AgentReport,
  type HardwareMeaning,
  type ModelDevice,
  type ModelKey,
  type Placement,
} from './matching-model.js';
export {
  SharedServerError,
  startTestNats,
  type StartTestNatsOptions,
  type TestNats,
  type TestNatsOrigin,
} from './nats/start-test-nats.js';
export { ServiceProcess } from './service-process.js';
export { temporaryFolder, type TemporaryFolder } from './temporary-folder.js';
export { ConditionNotMetError, waitFor, type WaitForOptions } from './wait-for.js';
