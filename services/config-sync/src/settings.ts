import { extname } from 'node:path';
import { INSTALLATION_NAME, isInstallationName } from '@stance/policy-signature';
import { optionalText, SettingProblem, text, type Setting } from '@stance/service-kit';
import { INVENTORY_EXTENSIONS } from './inventory.js';

/** A share such as `10 %`, as a number from 0 to 1. */
function percentage(options: { description: string; default: string }): Setting<number> {
  return {
    ...text(options),
    required: false,
    parse: (value) => {
      const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(value.trim());
      const share = match === null ? NaN : Number(match[1]) / 100;
      if (!(share <= 1)) throw new SettingProblem(`must be a share from 0 % to 100 %, not "${value}"`);
      return share;
    },
  };
}

/** A path to an inventory, whose extension tells its format. */
function inventoryFile(options: { description: string }): Setting<string | undefined> {
  return {
    ...optionalText(options),
    parse: (path) => {
      if (INVENTORY_EXTENSIONS.includes(extname(path).toLowerCase())) return path;
      throw new SettingProblem(`must end in ${INVENTORY_EXTENSIONS.join(', ')}, not "${path}"`);
    },
  };
}

/** The name of an installation, for which policies are signed. */
function installationName(options: { description: string }): Setting<string | undefined> {
  return {
    ...optionalText(options),
    parse: (name) => {
      if (isInstallationName(name)) return name;
      throw new SettingProblem(`must be ${INSTALLATION_NAME}, not "${name}"`);
    },
  };
}

export const SETTINGS = {
  STANCE_DEVICES_FILE: inventoryFile({
    description: 'the inventory of devices: YAML, JSON or CSV, read again on change',
  }),
  STANCE_POLICY_FILE: optionalText({ description: 'the policy, published when the file changes' }),
  STANCE_POLICY_SIGNATURE_FILE: optionalText({
    description:
      "the signature of the policy, by `stance policy sign`; when set, no policy is published without; otherwise it is the policy file's name with `.sig` behind it, if there is such a file",
  }),
  STANCE_INSTALLATION: installationName({
    description: 'name of this installation, as policy-engine has it: a signature for another one is not published',
  }),
  STANCE_RETIREMENT_LIMIT: percentage({
    default: '10 %',
    description: 'the share of at least 10 devices that one change of the inventory may retire',
  }),
};
