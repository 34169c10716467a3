import { AUDIT_API_PREFIX, AuditRecorded, filterOf, STREAMS } from '@stance/contracts';
import {
  AUDIT_ACCOUNT,
  AUDITORS_ACCOUNT,
  CORE_ACCOUNT,
  inApi,
  limitedTo,
  merged,
  type AccountPlan,
  type Estate,
  type InboxesOf,
} from './account-plan.js';

const AUDIT = STREAMS.AUDIT.name;
const LOOKING = [`STREAM.INFO.${AUDIT}`, `STREAM.MSG.GET.${AUDIT}`];
/** Direct gets of several messages at once are answered by as many. */
const READING_DIRECTLY = [`DIRECT.GET.${AUDIT}`, `DIRECT.GET.${AUDIT}.>`];

/** The audit trail is made from outside of its account, but neither changed nor emptied nor removed. */
export const AUDIT_SETUP = [`STREAM.CREATE.${AUDIT}`, `STREAM.INFO.${AUDIT}`] as const;

/** The account of the trail. */
export function auditAccount({ limits }: Estate, inboxesOf: InboxesOf): AccountPlan {
  const reading = [
    '$JS.API.INFO',
    ...LOOKING.map(inApi),
    `$JS.API.CONSUMER.CREATE.${AUDIT}.*.>`,
    `$JS.API.CONSUMER.MSG.NEXT.${AUDIT}.*`,
    `$JS.API.CONSUMER.DELETE.${AUDIT}.*`,
  ];
  const service = (to: string) => (subject: string) => ({
    kind: 'service' as const,
    subject: inApi(subject),
    to: [to],
  });
  return {
    name: AUDIT_ACCOUNT,
    jetstream: { maxBytes: limits?.audit },
    users: [limitedTo('audit-trail', [filterOf(AuditRecorded), ...reading], inboxesOf), { name: 'audit-break-glass' }],
    exports: merged([
      ...AUDIT_SETUP.map(service(CORE_ACCOUNT)),
      ...LOOKING.map(service(AUDITORS_ACCOUNT)),
      ...READING_DIRECTLY.map((subject) => ({ ...service(AUDITORS_ACCOUNT)(subject), manyAnswers: true })),
    ]),
    imports: [],
  };
}

/**
 * Who reads the trail is not in the account that holds it, where the answer to any question could be had on the subjects of
 * records, and would be one. Nor has it consumers, which deliver wherever they are told.
 */
export function auditorsAccount(inboxesOf: InboxesOf): AccountPlan {
  const subjects = [...LOOKING, ...READING_DIRECTLY];
  const here = (subject: string) => `${AUDIT_API_PREFIX}.${subject}`;
  return {
    name: AUDITORS_ACCOUNT,
    jetstream: undefined,
    users: [limitedTo('auditor', subjects.map(here), inboxesOf)],
    exports: [],
    imports: subjects.map((subject) => ({
      kind: 'service',
      account: AUDIT_ACCOUNT,
      subject: inApi(subject),
      as: here(subject),
    })),
  };
}
