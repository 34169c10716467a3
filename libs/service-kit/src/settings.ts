import { addressesIn, UnusableAddress } from '@stance/jetstream';
import { duration, integer, optionalText, SettingProblem, text, type Setting } from './configuration.js';

/** What every service takes. */
export const COMMON_SETTINGS = {
  NATS_URL: natsAddresses({ description: 'addresses of the NATS cluster, separated by commas' }),
  NATS_CREDS_FILE: optionalText({ description: 'NATS credentials file (JWT and seed)' }),
  NATS_NKEY_SEED_FILE: optionalText({ description: 'file with the seed of an NKey' }),
  NATS_CA_FILE: optionalText({ description: 'certificate authority of the NATS servers' }),
  NATS_CERT_FILE: optionalText({ description: 'client certificate for NATS' }),
  NATS_KEY_FILE: optionalText({ description: 'key of the client certificate for NATS' }),
  STANCE_HTTP_HOST: text({ default: '127.0.0.1', description: 'where /livez, /readyz and /metrics listen' }),
  LOG_LEVEL: text({
    default: 'info',
    oneOf: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    description: 'the least severe log line that is written',
  }),
  STANCE_SHUTDOWN_DEADLINE: duration({
    default: '10s',
    min: '1s',
    max: '5m',
    description: 'how long work under way may take to finish',
  }),
};

/** Addresses of NATS as they are given, if they can be used. */
function natsAddresses(options: { description: string }): Setting<string> {
  return {
    ...text(options),
    parse: (value) => {
      try {
        addressesIn(value);
      } catch (error) {
        if (error instanceof UnusableAddress) throw new SettingProblem(error.problem);
        throw error;
      }
      return value;
    },
  };
}

/** `STANCE_HTTP_PORT`, whose default is each service's own. */
export function httpPortSetting(port: number) {
  return integer({
    default: port,
    min: 0,
    max: 65_535,
    description: 'port of /livez, /readyz and /metrics; 0 takes a free one',
  });
}
