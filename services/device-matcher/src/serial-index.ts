/** Which ids carry a serial number, kept up to date one id at a time. */
export class SerialIndex {
  private readonly idsOfSerial = new Map<string, Set<string>>();
  private readonly serialOfId = new Map<string, string>();

  /** Sets an id's serial number; `undefined` when it has none that counts. Returns the one it had before. */
  set(id: string, serial: string | undefined): string | undefined {
    const before = this.serialOfId.get(id);
    if (before === serial) return before;
    if (before !== undefined) this.remove(id, before);
    if (serial !== undefined) this.add(id, serial);
    return before;
  }

  idsOf(serial: string): readonly string[] {
    return [...(this.idsOfSerial.get(serial) ?? [])];
  }

  private add(id: string, serial: string): void {
    this.serialOfId.set(id, serial);
    const ids = this.idsOfSerial.get(serial);
    if (ids === undefined) this.idsOfSerial.set(serial, new Set([id]));
    else ids.add(id);
  }

  private remove(id: string, serial: string): void {
    this.serialOfId.delete(id);
    const ids = this.idsOfSerial.get(serial);
    ids?.delete(id);
    if (ids?.size === 0) this.idsOfSerial.delete(serial);
  }
}
