import { Module, type DynamicModule } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import type { EventPublisher } from '@stance/jetstream';
import type { ConfigurationOf, Logger, ServiceParts } from '@stance/service-kit';
import { ConfigFiles } from './config-files.js';
import { FileSync, type FileSyncOptions } from './file-sync.js';
import { createDeviceTable, InventorySync } from './inventory-sync.js';
import { PolicyHistory } from './policy-history.js';
import { policySignatureOf } from './policy-signature.js';
import { PolicySync, publishedByFile } from './policy-sync.js';
import type { SETTINGS } from './settings.js';

/** Nothing is consumed and nothing is asked: the service has no handlers. */
@Module({})
class AppModule {}

interface Runtime {
  readonly config: ConfigurationOf<typeof SETTINGS>;
  readonly connection: NatsConnection;
  readonly publisher: EventPublisher;
  readonly logger: Logger;
}

/** The composition root: one file or both. */
export function compose(
  { config, connection, publisher, logger }: Runtime,
  options: FileSyncOptions = {},
): ServiceParts {
  const { STANCE_DEVICES_FILE: devices, STANCE_POLICY_FILE: policy, STANCE_RETIREMENT_LIMIT: retirementLimit } = config;
  const tables = [];
  const files: FileSync[] = [];
  if (devices !== undefined) {
    const table = createDeviceTable(connection, publisher);
    const sync = new InventorySync(table, { file: devices, retirementLimit });
    tables.push(table);
    files.push(new FileSync(devices, logger, (content) => sync.apply(content), options));
  }
  if (policy !== undefined) {
    const signature = policySignatureOf(policy, config.STANCE_POLICY_SIGNATURE_FILE, config.STANCE_INSTALLATION);
    const history = new PolicyHistory(connection, publishedByFile(policy), () => sync.logObjections(logger));
    const sync: PolicySync = new PolicySync(policy, signature, history, publisher);
    const company = { companion: signature.file, objections: () => sync.objections() };
    tables.push(history);
    files.push(new FileSync(policy, logger, (content, beside) => sync.apply(content, beside), options, company));
  }
  const all = new ConfigFiles(files);
  const module: DynamicModule = { module: AppModule };
  return {
    module,
    tables: { followed: tables },
    activate: () => all.start(),
    deactivate: () => all.stop(),
    health: () => all.health(),
  };
}
