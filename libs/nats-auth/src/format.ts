/** `config`: users by NKey in the server's configuration. `jwt`: operator mode, with a credentials file for each user. */
export const AUTH_FORMATS = ['config', 'jwt'] as const;
export type AuthFormat = (typeof AUTH_FORMATS)[number];

export function isAuthFormat(value: unknown): value is AuthFormat {
  return AUTH_FORMATS.some((format) => format === value);
}
