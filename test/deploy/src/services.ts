import { SERVICES, type ServiceName } from '@stance/contracts';

/** What runs as a process of its own until it is told to stop. */
export type Service = Exclude<ServiceName, 'cli'>;

/** All of them; the image runs each by its name. */
export const SERVICE_NAMES: readonly Service[] = SERVICES.filter((name) => name !== 'cli');
