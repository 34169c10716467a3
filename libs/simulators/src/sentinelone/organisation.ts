/** The console's account, sites and groups every generated agent belongs to. */
export const ACCOUNT = { id: '1402313987221934102', name: 'Example' } as const;

export const SITES = [
  { id: '1402313987397312513', name: 'Headquarters', network: '10.20', externalIp: '203.0.113.14' },
  { id: '1402313987514753028', name: 'Remote', network: '192.168', externalIp: '198.51.100.77' },
  { id: '1402313987623804937', name: 'Data centre', network: '10.80', externalIp: '203.0.113.201' },
] as const;

/** A group per site and kind of machine; the id is the site's with another ending. */
export function groupOf(siteId: string, machineType: string): { id: string; name: string } {
  const name = machineType === 'server' ? 'Servers' : machineType === 'laptop' ? 'Laptops' : 'Default Group';
  return {
    id: `${siteId.slice(0, -3)}${machineType === 'server' ? '901' : machineType === 'laptop' ? '902' : '900'}`,
    name,
  };
}
