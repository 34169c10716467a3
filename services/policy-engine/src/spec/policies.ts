import { createHash } from 'node:crypto';
import type { PublishedPolicy } from '../loaded-policy.js';

/** A policy that lets a device without infection read the wiki at one gateway. */
export const HEALTHY_READS_WIKI = `
version: 1
postures:
  healthy:
    - sentinelOne:infected == false
gateways:
  edge:
    resources: [wiki]
rules:
  - name: everyone healthy reads the wiki
    resources: [wiki]
    require: [healthy]
`;

export function published(document: string, overrides: Partial<PublishedPolicy> = {}): PublishedPolicy {
  const sha256 = createHash('sha256').update(document).digest('hex');
  return { revision: 1, document, sha256, publishedBy: 'spec', ...overrides };
}

/** The same, at two gateways with two resources. */
export const TWO_GATEWAYS = `
version: 1
postures:
  healthy:
    - sentinelOne:infected == false
gateways:
  edge:
    resources: [wiki, payroll]
  vpn:
    resources: [ssh]
rules:
  - name: everyone healthy reaches everything
    resources: ['*']
    require: [healthy]
`;

/** Values count for this long only. */
export const withMaxAge = (maxAge: string): string =>
  HEALTHY_READS_WIKI.replace('version: 1\n', `version: 1\ndefaults:\n  maxAge: ${maxAge}\n`);
