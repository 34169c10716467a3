/**
 * What identifies no machine, as data: serial numbers that firmware reports when nobody set one, UUIDs of whole product
 * lines, and hardware addresses that many machines have. `STANCE_PLACEHOLDER_SERIALS`, `STANCE_SHARED_MAC_ADDRESSES` add to it.
 */

/**
 * Serial numbers as firmware spells them; compared normalised. Sources: DMI defaults of American Megatrends, Phoenix and
 * Insyde firmware, whitebox boards, hypervisors and cloud images; the block lists of GLPI, Fleet and osquery users.
 */
export const PLACEHOLDER_SERIALS: readonly string[] = [
  // Digits that count up, or nothing but zeros.
  '0',
  '00000000',
  '1234',
  '12345',
  '123456',
  '1234567',
  '12345678',
  '123456789',
  '1234567890',
  '0123456789',
  '0123456789ABCDEF',
  '123456789012',
  '1234567890123456',
  'MB-1234567890',
  'SYS-1234567890',
  'BSN12345678901234567',
  'CSN12345678901234567',
  'SSN12345678901234567',
  'SSN12345678901234567890',
  'PROD00000000000',
  'ABCDEFGHIJKLM',
  // Words for "nobody has set it".
  'To be filled by O.E.M.',
  'To Be Filled By OEM',
  'Default string',
  'Default',
  'None',
  'N/A',
  'NA',
  'Null',
  'Nil',
  'Unknown',
  'Unknow',
  'Undefined',
  'Unspecified',
  'Invalid',
  'Empty',
  'Blank',
  'Eval',
  'Test',
  'Not Available',
  'Not Applicable',
  'Not Defined',
  'Not Specified',
  'Not Set',
  'Not Present',
  'No Serial',
  'No Serial Number',
  // The name of the field instead of its value.
  'Serial',
  'Serial Number',
  'SerialNumber',
  'System Serial',
  'System Serial Number',
  'SystemSerialNumb',
  'System Version',
  'System Product Name',
  'Chassis Serial Number',
  'Base Board Serial Number',
  'Product Serial Number',
  'Type1ProductSerialNumber',
  'O.E.M.',
  'OEM',
  'OEM_Serial',
  'OEM-Serial',
  // The name of the hypervisor or cloud, without what would tell one machine from another. `VMware-56 4d ...`,
  // `GoogleCloud-...`, `ec2...`, `Parallels-...` and Hyper-V's groups of digits do tell, and are no placeholders.
  'VMware',
  'VMware, Inc.',
  'VMware Virtual Platform',
  'VirtualBox',
  'Virtual Machine',
  'QEMU',
  'KVM',
  'Bochs',
  'Xen',
  'HVM domU',
  'Amazon EC2',
  'Google',
  'GoogleCloud',
  'Google Compute Engine',
  'OpenStack',
  'DigitalOcean',
  'Microsoft Corporation',
  'Parallels',
  'Docker',
];

/** UUIDs that firmware ships on every machine of a line; compared without dashes in lower case. */
export const PLACEHOLDER_UUIDS: readonly string[] = [
  '03000200-0400-0500-0006-000700080009',
  '00020003-0004-0005-0006-000700080009',
  '12345678-1234-5678-90ab-cddeefaabbcc',
  '01010101-0101-0101-0101-010101010101',
  '4c4c4544-0000-2010-8020-80c04f202020',
  'fefefefe-fefe-fefe-fefe-fefefefefefe',
];

/**
 * Addresses, or their beginnings, of interfaces that are no hardware of the machine: the same on many, or another at every
 * start. Locally administered and multicast addresses never count and need not be listed.
 */
export const SHARED_MAC_ADDRESSES: readonly string[] = [
  '00:00:00:00',
  '00:50:56:c0:00', // VMware host adapters: the same on every host
  '00:15:5d', // Hyper-V switches, from a small range
  '00:1c:42:00:00', // Parallels host adapters
  '00:05:9a:3c:7', // Cisco AnyConnect: the same on every machine
  '00:09:0f', // Fortinet VPN adapters
  '00:ff', // TAP adapters of VPN clients, made up at installation
  '00:00:5e', // router redundancy (VRRP)
  '20:41:53:59:4e:ff', // Windows WAN miniport
  '50:50:54:50:30:30', // Windows PPTP miniport
  '33:50:6f:45:30:30', // Windows PPPoE miniport
  '44:45:53:54', // Windows dial-up and old VPN adapters ("DEST")
  'ac:de:48:00:11:22', // the internal link to the Touch Bar's processor on every Mac that has one
];

/** Host names that installers leave; compared by their first label in lower case. */
export const PLACEHOLDER_HOSTNAMES: readonly string[] = [
  'localhost',
  'ubuntu',
  'debian',
  'raspberrypi',
  'macbook-pro',
  'macbook-air',
  'imac',
  'android',
  'unknown',
];
