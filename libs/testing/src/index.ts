export {
  deviceContent,
  issueDeviceCertificates,
  TestAuthority,
  type AltName,
  type CertificateContent,
  type DeviceCertificates,
  type KeyedCertificate,
} from './certificates/certificates.js';
export { startFaultProxy, type FaultProxy, type FaultProxyOptions } from './fault-proxy.js';
export { freePort } from './free-port.js';
export { adapt, NothingToAdapt } from './gateways/adapt.js';
export { findGateway, GatewayNotExecutable, type GatewayName } from './gateways/find-gateway.js';
export { GatewayNotStarted, type GatewayProcess } from './gateways/gateway-process.js';
export {
  startCaddy,
  startEnvoy,
  startHaproxy,
  startNginx,
  startTraefik,
  type GatewayFiles,
} from './gateways/start-gateway.js';
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
