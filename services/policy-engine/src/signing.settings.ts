import { INSTALLATION_NAME, isInstallationName, type PolicyAdmins, type PolicyKeys } from '@stance/policy-signature';
import { SettingProblem, text, type Setting } from '@stance/service-kit';
import { policyKeysSetting } from './policy-keys.setting.js';

const installationSetting: Setting<string | undefined> = {
  description:
    'name of this installation, for which policies have to be signed; required with `STANCE_POLICY_KEYS_FILE`, and no other installation may have the same',
  required: false,
  secret: false,
  parse: (name) => {
    if (isInstallationName(name)) return name;
    throw new SettingProblem(`must be ${INSTALLATION_NAME}, not "${name}"`);
  },
};

/** The settings that say which signatures policies need. */
export const SIGNING_SETTINGS = {
  STANCE_POLICY_KEYS_FILE: policyKeysSetting,
  STANCE_INSTALLATION: installationSetting,
  STANCE_POLICY_SIGNATURES: text({
    default: 'on',
    oneOf: ['on', 'off'],
    description:
      '`off` lets policies come into force without a signature although earlier ones were signed; otherwise an engine without keys denies everything then',
  }),
};

interface SigningConfiguration {
  readonly STANCE_POLICY_KEYS_FILE: PolicyKeys | undefined;
  readonly STANCE_INSTALLATION: string | undefined;
  readonly STANCE_POLICY_SIGNATURES: string;
}

/** What does not fit together; empty where everything does. */
export function signingProblems(config: SigningConfiguration): readonly string[] {
  if (config.STANCE_POLICY_KEYS_FILE === undefined) return [];
  return [
    ...(config.STANCE_INSTALLATION === undefined
      ? [
          'STANCE_POLICY_KEYS_FILE is set without STANCE_INSTALLATION: name this installation, so that no policy that was signed for another one counts here',
        ]
      : []),
    ...(config.STANCE_POLICY_SIGNATURES === 'off'
      ? ['STANCE_POLICY_SIGNATURES is off, and STANCE_POLICY_KEYS_FILE is set: set one of them']
      : []),
  ];
}

/**
 * Whose signatures policies need; `if-before`: there are no keys, which is a mistake where the policy in force is a signed one;
 * `off`: no keys, and that is meant.
 */
export type SigningRule = PolicyAdmins | 'if-before' | 'off';

/** Pure. */
export function signingRule(config: SigningConfiguration): SigningRule {
  const { STANCE_POLICY_KEYS_FILE: keys, STANCE_INSTALLATION: installation } = config;
  if (keys !== undefined && installation !== undefined) return { keys, installation };
  return config.STANCE_POLICY_SIGNATURES === 'off' ? 'off' : 'if-before';
}
