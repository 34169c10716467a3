export { startFaultProxy, type FaultProxy, type FaultProxyOptions } from './fault-proxy.js';
export { freePort } from './free-port.js';
export type { GoldenCase } from './golden/golden-case.js';
export { goldenFiles, readGoldenCase, type GoldenFile } from './golden/golden-files.js';
export { asTold, asWanted, type Outcome, type Recorded } from './golden/outcome.js';
export { momentsOf, type GoldenPosture, type Moment } from './golden/story.js';
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
