import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger, terminalLog, type Logger } from '@stance/service-kit';
import { multistream } from 'pino';

/** Everything goes to a file; the terminal shows what needs a person. */
export function createLocalLogging(dataFolder: string): {
  file: string;
  loggerFor: (service: string, level: string) => Logger;
} {
  mkdirSync(dataFolder, { recursive: true });
  const file = join(dataFolder, 'stance.log');
  const destination = multistream([
    { level: 'trace', stream: createWriteStream(file, { flags: 'a' }) },
    { level: 'warn', stream: terminalLog() },
  ]);
  return { file, loggerFor: (service, level) => createLogger(service, level, destination) };
}
