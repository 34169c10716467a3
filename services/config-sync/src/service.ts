import { ConfigurationInvalid, defineService } from '@stance/service-kit';
import { compose } from './app.module.js';
import { SETTINGS } from './settings.js';

export const configSync = defineService({
  name: 'config-sync',
  httpPort: 9106,
  settings: SETTINGS,
  lease: () => 'config-sync',
  build: (runtime) => {
    const { STANCE_DEVICES_FILE: devices, STANCE_POLICY_FILE: policy } = runtime.config;
    if (devices === undefined && policy === undefined) {
      throw new ConfigurationInvalid(['neither STANCE_DEVICES_FILE nor STANCE_POLICY_FILE is set: set one or both']);
    }
    return compose(runtime);
  },
});
