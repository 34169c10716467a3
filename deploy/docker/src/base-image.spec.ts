import { describe, expect, it } from '@jest/globals';

import { baseComponents, defaultBase } from './base-image.mjs';

const DIGEST = 'a'.repeat(64);

describe('what an image stands on', () => {
  it.each([
    ['gcr.io/distroless/nodejs24:nonroot', 'gcr.io/distroless/nodejs24', 'nonroot', undefined],
    ['localhost:5000/node', 'localhost:5000/node', 'latest', undefined],
    [`node:24@sha256:${DIGEST}`, 'node', `sha256:${DIGEST}`, [{ alg: 'SHA-256', content: DIGEST }]],
  ])('is named by its digest, where there is one, or its tag: %s', (image, name, version, hashes) => {
    const [base] = baseComponents({ image });
    expect(base).toEqual({ 'bom-ref': `base:${image}`, type: 'container', name, version, ...(hashes && { hashes }) });
  });

  it('has Node in its version, with what is built into it', () => {
    const versions = { node: '24.1.0', openssl: '3.0.16', zlib: '1.3.1', modules: '137', unicode: '17.0' };
    const [, node] = baseComponents({ image: 'node:24', versions });
    expect(node).toMatchObject({ 'bom-ref': 'node@24.1.0', version: '24.1.0', purl: 'pkg:generic/node@24.1.0' });
    expect(node?.['components']).toEqual([
      { 'bom-ref': 'node/openssl@3.0.16', type: 'library', name: 'openssl', version: '3.0.16' },
      { 'bom-ref': 'node/zlib@1.3.1', type: 'library', name: 'zlib', version: '1.3.1' },
    ]);
  });

  it('has Node without a version where no image was asked', () => {
    expect(baseComponents({ image: 'node:24' })[1]).toEqual({ 'bom-ref': 'node', type: 'platform', name: 'node' });
  });

  it('is what the Dockerfile names, unless a build says otherwise', () => {
    expect(defaultBase('ARG BUILD_IMAGE=b\nARG RUNTIME_IMAGE=c:d\n\nFROM x\nARG RUNTIME_IMAGE\n')).toBe('c:d');
    expect(() => defaultBase('FROM x\n')).toThrow('names no RUNTIME_IMAGE');
  });
});
