import { accountsOf, AUDITORS_ACCOUNT, CORE_ACCOUNT, SYSTEM_ACCOUNT, type AccountPlan } from '@stance/nats-auth';

/** A command of `nats`, and what it publishes: the requests that `nats --trace` of version 0.3.0 shows. */
interface NatsCommand {
  readonly form: RegExp;
  /** The account that its user has to be in. */
  readonly account: string;
  readonly publishes: (match: RegExpExecArray) => readonly string[];
}

const COMMANDS: readonly NatsCommand[] = [
  {
    form: /^nats stream get STANCE_AUDIT <sequence>$/,
    account: AUDITORS_ACCOUNT,
    publishes: () => ['$JS.AUDIT.API.STREAM.INFO.STANCE_AUDIT', '$JS.AUDIT.API.STREAM.MSG.GET.STANCE_AUDIT'],
  },
  {
    form: /^nats stream get (STANCE_\w+) (?:<sequence>|--last-for '[^']+')$/,
    account: CORE_ACCOUNT,
    publishes: ([, stream]) => [`$JS.API.STREAM.INFO.${stream}`, `$JS.API.STREAM.MSG.GET.${stream}`],
  },
  {
    form: /^nats stream rmm (STANCE_\w+) <sequence>$/,
    account: CORE_ACCOUNT,
    publishes: ([, stream]) => [`$JS.API.STREAM.INFO.${stream}`, `$JS.API.STREAM.MSG.DELETE.${stream}`],
  },
  { form: /^nats stream ls$/, account: CORE_ACCOUNT, publishes: () => ['$JS.API.STREAM.LIST'] },
  {
    form: /^nats stream cluster step-down (STANCE_\w+)$/,
    account: CORE_ACCOUNT,
    publishes: ([, stream]) => [`$JS.API.STREAM.INFO.${stream}`, `$JS.API.STREAM.LEADER.STEPDOWN.${stream}`],
  },
  {
    form: /^nats kv get (STANCE_\w+) <lease>$/,
    account: CORE_ACCOUNT,
    publishes: ([, bucket]) => [
      `$JS.API.STREAM.INFO.KV_${bucket}`,
      `$JS.API.DIRECT.GET.KV_${bucket}.$KV.${bucket}.audit`,
    ],
  },
  {
    form: /^nats pub <originalSubject> <payload>$/,
    account: CORE_ACCOUNT,
    publishes: () => ['stance.agent.observed.v1.office.1', 'stance.session.started.v1.edge.d1.s1'],
  },
  {
    form: /^nats server report jetstream$/,
    account: SYSTEM_ACCOUNT,
    publishes: () => ['$SYS.REQ.SERVER.PING.JSZ'],
  },
];

const PLANS: readonly AccountPlan[] = accountsOf({ gateways: ['edge'] }, (user) => [`_INBOX.${user}`]);

/** Whether a user that `stance nats-auth generate` makes may do what a command does. Throws for one that nobody has tried. */
export function mayRun(user: string, command: string): boolean {
  for (const { form, account, publishes } of COMMANDS) {
    const match = form.exec(command);
    if (match === null) continue;
    const found = PLANS.find(({ name }) => name === account)?.users.find(({ name }) => name === user);
    if (found === undefined) return false;
    if (found.permissions === undefined) return true;
    const { allow, deny } = found.permissions.publish;
    return publishes(match).every(
      (subject) =>
        allow.some((pattern) => matches(pattern, subject)) && !deny.some((pattern) => matches(pattern, subject)),
    );
  }
  throw new Error(`nobody has tried which requests this needs: ${command}`);
}

/** Whether a subject is one of a pattern of NATS. */
function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const tokens = subject.split('.');
  return wanted.at(-1) === '>'
    ? tokens.length >= wanted.length && wanted.slice(0, -1).every((token, at) => token === '*' || token === tokens[at])
    : tokens.length === wanted.length && wanted.every((token, at) => token === '*' || token === tokens[at]);
}
