// @ts-check

/** @typedef {import('./sbom.mjs').Component} Component */
/**
 * What an image stands on.
 * @typedef {object} Base
 * @property {string} image as a Dockerfile names it: `registry/name:tag@sha256:…`
 * @property {Readonly<Record<string, string | undefined>>} [versions] `process.versions` of its Node; unknown without an image
 */

/** Says which image another stands on: https://github.com/opencontainers/image-spec/blob/main/annotations.md */
export const BASE_LABEL = 'org.opencontainers.image.base.name';

/** What Node is built with and advisories speak of, by its name in `process.versions`. */
const BUILT_IN = Object.freeze([
  'ada',
  'ares',
  'brotli',
  'llhttp',
  'nghttp2',
  'openssl',
  'sqlite',
  'undici',
  'uv',
  'v8',
  'zlib',
  'zstd',
]);

/**
 * The components of a base: the image by its name, and by its digest where that names it; Node, with what is built into it.
 *
 * @param {Base} base
 * @returns {readonly Component[]}
 */
export function baseComponents({ image, versions = {} }) {
  const parts = BUILT_IN.flatMap((part) => {
    const version = versions[part];
    return version === undefined
      ? []
      : [{ 'bom-ref': `node/${part}@${version}`, type: 'library', name: part, version }];
  });
  const [named = '', digest] = image.split('@');
  const tagAt = named.indexOf(':', named.lastIndexOf('/') + 1);
  const [name, tag] = tagAt < 0 ? [named, 'latest'] : [named.slice(0, tagAt), named.slice(tagAt + 1)];
  const { node } = versions;
  return [
    {
      'bom-ref': `base:${image}`,
      type: 'container',
      name,
      version: digest ?? tag,
      ...(digest?.startsWith('sha256:') && { hashes: [{ alg: 'SHA-256', content: digest.slice('sha256:'.length) }] }),
    },
    {
      'bom-ref': node === undefined ? 'node' : `node@${node}`,
      type: 'platform',
      name: 'node',
      ...(node !== undefined && {
        version: node,
        purl: `pkg:generic/node@${node}`,
        cpe: `cpe:2.3:a:nodejs:node.js:${node}:*:*:*:*:*:*:*`,
        components: parts,
      }),
    },
  ];
}

/**
 * The base image that a Dockerfile has unless the build names another.
 *
 * @param {string} dockerfile its text
 */
export function defaultBase(dockerfile) {
  const image = /^ARG RUNTIME_IMAGE=(\S+)$/m.exec(dockerfile)?.[1];
  if (image === undefined) throw new Error('deploy/docker/Dockerfile names no RUNTIME_IMAGE');
  return image;
}
