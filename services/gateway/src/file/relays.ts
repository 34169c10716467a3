import { atLeast, id } from '@stance/contracts';
import { z } from 'zod';
import { listener, portNumber, type FilePath } from './fields.js';

/** A prefix of paths: `/`, or segments between slashes, in the one way in which they can be written. */
const pathPrefix = z
  .string()
  .regex(
    /^\/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*\/)*$/,
    'must begin and end with a slash, as in /wiki/, with plain segments',
  );

const upstreamUrl = z.string().refine(
  (text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, username, password, search, hash, pathname } = new URL(text);
    return (
      ['http:', 'https:'].includes(protocol) && `${username}${password}${search}${hash}` === '' && pathname === '/'
    );
  },
  { message: 'must be an http or https address without a path, as in http://127.0.0.1:8080' },
);

/** Carries HTTP/1.1 and what goes over it (WebSocket, server-sent events, downloads) to upstreams, and cuts it. */
export const httpRelay = (file: FilePath) =>
  z.strictObject({
    listen: listener(file, portNumber),
    /** The first whose host and path fit names the resource; nothing of the client's does. */
    routes: z
      .array(
        z.strictObject({
          /** The host that the client asks for, without port; any where it is left out. */
          host: z
            .string()
            .regex(/^[A-Za-z0-9.-]{1,253}$/, 'must be a host name')
            .transform((host) => host.toLowerCase())
            .optional(),
          path: pathPrefix.default('/'),
          resource: id,
          upstream: upstreamUrl,
        }),
      )
      .check(atLeast(1)),
  });

/** Carries any TCP protocol to one upstream. The device is proved by a client certificate or by its address. */
export const tcpRelay = (file: FilePath) =>
  z.strictObject({
    listen: listener(file, portNumber),
    resource: id,
    upstream: z.strictObject({ host: z.string().check(atLeast(1)), port: z.int().min(1).max(65_535) }),
  });

export type HttpRelay = z.infer<ReturnType<typeof httpRelay>>;
export type TcpRelay = z.infer<ReturnType<typeof tcpRelay>>;
