import type { FileStatus, FileSync } from './file-sync.js';

/** The files that are kept in force, together. */
export class ConfigFiles {
  private active = false;

  constructor(private readonly files: readonly FileSync[]) {}

  async start(): Promise<void> {
    this.active = true;
    await Promise.all(this.files.map((file) => file.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.files.map((file) => file.stop()));
    this.active = false;
  }

  /** Ready while the present content of every file is in force; a standby, which applies none, is ready too. */
  health(): { ready: boolean; details: { files: FileStatus[] } } {
    const files = this.files.map((file) => file.status());
    return { ready: !this.active || files.every(({ state }) => state === 'applied'), details: { files } };
  }
}
