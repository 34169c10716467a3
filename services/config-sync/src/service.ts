import { defineService } from '@stance/service-kit';
import { compose } from './app.module.js';
import { SETTINGS } from './settings.js';

export const configSync = defineService({
  name: 'config-sync',
  httpPort: 9106,
  settings: SETTINGS,
  check: ({ STANCE_DEVICES_FILE: devices, STANCE_POLICY_FILE: policy, STANCE_POLICY_SIGNATURE_FILE: signature }) => [
    ...(devices === undefined && policy === undefined
      ? ['neither STANCE_DEVICES_FILE nor STANCE_POLICY_FILE is set: set one or both']
      : []),
    ...(policy === undefined && signature !== undefined
      ? ['STANCE_POLICY_SIGNATURE_FILE is set without STANCE_POLICY_FILE, whose signature it is: set both']
      : []),
  ],
  lease: () => 'config-sync',
  build: (runtime) => compose(runtime),
});
