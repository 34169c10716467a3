import { resolve } from 'node:path';
import { atLeast } from '@stance/contracts';
import { parseDuration } from '@stance/service-kit';
import { z } from 'zod';

/** A header name (RFC 9110 token), in lower case. */
export const headerName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]{0,62}$/, 'must be a header name: letters, digits and dashes')
  .transform((name) => name.toLowerCase());

/** A duration between two bounds, all written as in `12h`; in milliseconds. */
export function durationWithin(min: string, max: string) {
  const [least = 0, most = 0] = [min, max].map(parseDuration);
  return z.string().transform((text, context) => {
    const milliseconds = parseDuration(text);
    if (milliseconds !== undefined && milliseconds >= least && milliseconds <= most) return milliseconds;
    context.addIssue({ code: 'custom', message: `must be a duration from ${min} to ${max}, not "${text}"` });
    return z.NEVER;
  });
}

export type FilePath = z.ZodType<string, string>;

/** A file's path; a relative one counts from `folder`. */
export function filePathIn(folder: string): FilePath {
  return z
    .string()
    .check(atLeast(1))
    .transform((path) => resolve(folder, path));
}

/** A TCP port; 0 takes a free one. */
export const portNumber = z.int().min(0).max(65_535);

/** Where the gateway listens. */
export function listener<Port extends z.ZodType<number, number | undefined>>(file: FilePath, port: Port) {
  return z.strictObject({
    host: z.string().check(atLeast(1)).default('127.0.0.1'),
    port,
    /** With it, TLS is spoken, and clients are asked for a certificate if `device.certificate` is configured. */
    tls: z.strictObject({ certificate: file, key: file }).optional(),
  });
}

export type Listener = z.infer<ReturnType<typeof listener>>;
