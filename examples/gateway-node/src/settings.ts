export interface Settings {
  readonly nats: string;
  /** A file; without one, no credentials. */
  readonly credentials: string | undefined;
  readonly gateway: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly resources: readonly string[];
  /** How the proxy in front proves devices. */
  readonly proof: (typeof PROOFS)[number];
  readonly maxSilenceMs: number;
  readonly sessionLifetimeMs: number;
}

const PROOFS = ['certificate', 'token', 'address'] as const;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** Thrown for a variable that cannot be used. */
class SettingsInvalid extends Error {
  override readonly name = 'SettingsInvalid';
}

/** The settings in the environment; README.md lists them. Throws {@link SettingsInvalid}. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const proof = PROOFS.find((known) => known === (environment['DEVICE_PROOF'] ?? 'certificate'));
  if (proof === undefined) throw new SettingsInvalid(`DEVICE_PROOF: one of ${PROOFS.join(', ')}`);
  return {
    nats: environment['NATS_URL'] ?? 'nats://127.0.0.1:4222',
    credentials: environment['NATS_CREDS_FILE'],
    gateway: environment['GATEWAY'] ?? 'edge',
    port: Number(environment['PORT'] ?? 8080),
    resources: (environment['RESOURCES'] ?? 'wiki,payroll').split(','),
    proof,
    maxSilenceMs: duration('MAX_SILENCE', environment['MAX_SILENCE'] ?? '5m'),
    sessionLifetimeMs: duration('SESSION_LIFETIME', environment['SESSION_LIFETIME'] ?? '12h'),
  };
}

function duration(name: string, text: string): number {
  const [, amount = '', unit = ''] = /^(\d+)([smh])$/.exec(text) ?? [];
  const milliseconds = Number(amount) * (UNIT_MS[unit] ?? Number.NaN);
  if (!(milliseconds > 0)) throw new SettingsInvalid(`${name}: a number with s, m or h, as in 5m, not ${text}`);
  return milliseconds;
}
