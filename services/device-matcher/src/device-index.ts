/** Which agents' registers name a device, as their own or as one of several that they may belong to. */
export class DeviceIndex {
  private readonly agentsOfDevice = new Map<string, Set<string>>();

  /** An agent's register changed: which devices it named before, and which it names now. */
  changed(agent: string, before: readonly string[], now: readonly string[]): void {
    for (const device of before) this.remove(agent, device);
    for (const device of now) this.add(agent, device);
  }

  agentsOf(device: string): readonly string[] {
    return [...(this.agentsOfDevice.get(device) ?? [])];
  }

  private add(agent: string, device: string): void {
    const agents = this.agentsOfDevice.get(device);
    if (agents === undefined) this.agentsOfDevice.set(device, new Set([agent]));
    else agents.add(agent);
  }

  private remove(agent: string, device: string): void {
    const agents = this.agentsOfDevice.get(device);
    agents?.delete(agent);
    if (agents?.size === 0) this.agentsOfDevice.delete(device);
  }
}
