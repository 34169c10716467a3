import { requestOf } from './http-load.js';
import { RESOURCES } from './played-engine.js';

export const AUTHORIZE_PATH = `/authorize/${RESOURCES[0]}`;

/** What a listed proxy asks about a device. */
export const authorizeRequest = (device: string): string => requestOf(AUTHORIZE_PATH, authorizeHeaders(device));

export function authorizeHeaders(device: string): Record<string, string> {
  return {
    'X-Stance-Device': device,
    'X-Stance-User': 'anna@example.org',
    'User-Agent': 'stance-bench',
    Accept: '*/*',
  };
}
