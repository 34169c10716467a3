import { resolve } from 'node:path';

/** How this machine is to run Stance. */
export interface Mode {
  /** A simulated tenant, a sample inventory, sample people; only when neither a cluster nor a console is named. */
  readonly demo: boolean;
  /** The server to use; `undefined` starts one here. */
  readonly natsUrl: string | undefined;
  readonly dataFolder: string;
  /** Where the address of what runs is kept for the `stance` command. */
  readonly runFile: string;
}

/** Demo mode needs the absence of everything that names a real system; anything else missing is an error later. */
export function modeOf(environment: NodeJS.ProcessEnv, folder: string): Mode {
  const isSet = (name: string) => (environment[name] ?? '') !== '';
  const namesAConsole = (name: string) => name.startsWith('SENTINELONE_') || name === 'STANCE_SOURCES_FILE';
  const demo = !isSet('NATS_URL') && !Object.keys(environment).some((name) => namesAConsole(name) && isSet(name));
  const base = resolve(folder, isSet('STANCE_DATA_DIR') ? (environment['STANCE_DATA_DIR'] ?? '') : '.stance');
  return {
    demo,
    natsUrl: isSet('NATS_URL') ? environment['NATS_URL'] : undefined,
    dataFolder: demo ? resolve(base, 'demo') : base,
    runFile: resolve(base, 'run.json'),
  };
}
