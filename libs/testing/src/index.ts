export {
  deviceContent,
  issueDeviceCertificates,
  TestAuthority,
  type AltName,
  type CertificateContent,
  type DeviceCertificates,
  type KeyedCertificate,
} from './certificates/certificates.js';
export type { ClusterServer, ServerEnd } from './cluster/cluster-server.js';
export {
  startNatsCluster,
  type ClusterSettings,
  type NatsCluster,
  type StartNatsClusterOptions,
} from './cluster/start-nats-cluster.js';
export { cpuMsOf } from './cpu-time.js';
export { startFaultProxy, type FaultProxy, type FaultProxyOptions } from './fault-proxy.js';
export { findProgram, namedProgram, ProgramNotExecutable, type FindProgramOptions } from './find-program.js';
export { freePort } from './free-port.js';
export { adapt, NothingToAdapt } from './gateways/adapt.js';
export { findGateway, type GatewayName } from './gateways/find-gateway.js';
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
export { hostileInEachPlace } from './hostile-values.js';
export {
  MatchingModel,
  type AgentReport,
  type HardwareMeaning,
  type ModelDevice,
  type ModelKey,
  type Placement,
} from './matching-model.js';
export { backUp, restore, type Backup } from './nats/backup.js';
export { everythingSettled } from './nats/everything-settled.js';
export { deleteStreams, makeStreamsAnew } from './nats/make-streams-anew.js';
export { startSecuredNats, type SecuredNats } from './nats/start-secured-nats.js';
export {
  SharedServerError,
  startTestNats,
  type StartTestNatsOptions,
  type TestNats,
  type TestNatsOrigin,
} from './nats/start-test-nats.js';
export { watchLease } from './nats/watch-lease.js';
export { propertyRuns } from './property-runs.js';
export { replaceFile } from './replace-file.js';
export { COMPILED_ONCE, ServiceProcess } from './service-process.js';
export { temporaryFolder, type TemporaryFolder } from './temporary-folder.js';
export { ConditionNotMetError, PATIENCE_MS, waitFor, type WaitForOptions } from './wait-for.js';
