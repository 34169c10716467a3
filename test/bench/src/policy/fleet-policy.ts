/** Twenty rules over eight resources of two gateways. */
export const FLEET_POLICY = `
version: 1
postures:
  active: ["sentinelOne:isActive == true", "sentinelOne:operationalState IN ['na', 'partially_disabled']"]
  clean: ["sentinelOne:infected == false", "sentinelOne:activeThreats == 0"]
  connected: ["sentinelOne:networkStatus == 'connected'"]
  current: ["sentinelOne:agentVersion >= '24.1'", "sentinelOne:isUpToDate == true"]
  encrypted: ["sentinelOne:encryptedApplications == true"]
  protected: ["sentinelOne:mitigationMode == 'protect'", "sentinelOne:firewallEnabled == true"]
  patched: ["sentinelOne:appsVulnerabilityStatus IN ['not_applicable', 'up_to_date']"]
  scanned: ["sentinelOne:scanStatus == 'finished'"]
  personal: ["sentinelOne:machineType IN ['desktop', 'laptop']"]
  server: ["sentinelOne:machineType == 'server'"]
  windows: ["sentinelOne:osType == 'windows'"]
  macos: ["sentinelOne:osType == 'macos'"]
  linux: ["sentinelOne:osType == 'linux'"]
  infected: ["sentinelOne:infected == true"]
  isolated: ["sentinelOne:networkStatus IN ['disconnected', 'disconnecting']"]
  retired: ["sentinelOne:isDecommissioned == true"]
  leaving: ["sentinelOne:isPendingUninstall == true"]
gateways:
  office: { resources: [wiki, mail, chat, git] }
  vault: { resources: [payroll, customers, builds, admin] }
rules:
  - { name: never infected, effect: deny, resources: ['*'], when: [infected] }
  - { name: never retired, effect: deny, resources: ['*'], when: [retired] }
  - { name: never isolated, effect: deny, resources: [git, payroll, customers, builds, admin], when: [isolated] }
  - { name: never while leaving, effect: deny, resources: [payroll, admin], when: [leaving] }
  - { name: wiki for all, resources: [wiki], require: [active, clean] }
  - { name: mail for all, resources: [mail], require: [active, clean, connected] }
  - { name: mail on servers, resources: [mail], tags: [shared], require: [clean, server] }
  - { name: chat for all, resources: [chat], require: [active, clean], requireAny: [windows, macos] }
  - { name: chat on Linux, resources: [chat], groups: [engineering], require: [clean, linux] }
  - { name: git for engineers, resources: [git], groups: [engineering], require: [active, clean, current, encrypted] }
  - { name: git on servers, resources: [git], groups: [operations], require: [clean, server, current] }
  - { name: payroll for finance, resources: [payroll], groups: [finance], require: [active, clean, encrypted, protected] }
  - { name: payroll for managers, resources: [payroll], groups: [management], require: [active, clean, current, encrypted] }
  - { name: customers for sales, resources: [customers], groups: [sales], require: [active, clean, personal, encrypted] }
  - { name: customers for support, resources: [customers], groups: [support], require: [active, clean, personal, patched] }
  - { name: customers for finance, resources: [customers], groups: [finance], require: [active, clean, current] }
  - { name: builds for engineers, resources: [builds], groups: [engineering], require: [active, clean, current, patched] }
  - { name: builds for operations, resources: [builds], groups: [operations], require: [active, clean, scanned] }
  - { name: admin for operations, resources: [admin], groups: [operations], require: [active, clean, connected, current, encrypted, protected, patched, scanned] }
  - { name: admin on shared machines, resources: [admin], groups: [operations], tags: [shared], require: [active, clean, current], requireAny: [windows, linux] }
`;
