import { auditAccount, auditorsAccount } from './audit-accounts.js';
import { SYSTEM_ACCOUNT, type AccountPlan, type Estate, type InboxesOf } from './account-plan.js';
import { coreAccount } from './core-account.js';
import { gatewayAccount } from './gateway-account.js';

/** Every user of an estate, in the order of their accounts. */
export function usersOf(estate: Estate): string[] {
  return accountsOf(estate, (user) => [user]).flatMap(({ users }) => users.map(({ name }) => name));
}

/**
 * The accounts of an estate. The account is the boundary: within one, whoever may use the API of JetStream reaches more than
 * its own subjects by reply and deliver subjects; out of one leads only what is exported here. Pure.
 */
export function accountsOf(estate: Estate, inboxesOf: InboxesOf): AccountPlan[] {
  const gateways = [...estate.gateways].toSorted();
  return [
    coreAccount(estate, gateways, inboxesOf),
    auditAccount(estate, inboxesOf),
    auditorsAccount(inboxesOf),
    ...gateways.map((gateway) => gatewayAccount(gateway, estate)),
    { name: SYSTEM_ACCOUNT, jetstream: undefined, users: [{ name: 'system' }], exports: [], imports: [] },
  ];
}
