/** Where errors are told. */
interface ErrorLog {
  error(fields: object, message: string): void;
}

/** Whose decision it is about. */
interface Concerned {
  readonly gateway: string;
  readonly deviceId: string;
}

/** Says what is wrong with a policy revision, once of each kind: a fleet meets the same again with every device. */
export class RevisionAlarms {
  private readonly told = new Set<string>();

  constructor(private readonly logger: ErrorLog) {}

  cannotBeEvaluated(revision: number, concerned: Concerned, error: unknown): void {
    this.once(
      { policyRevision: revision, ...concerned, err: error },
      `policy revision ${revision} cannot be evaluated: devices like this one are denied everything; ` +
        'publish one that can be, as with `stance policy rollback`, and report this defect with the policy',
    );
  }

  /** `form` says how much of the decision was stored. */
  isTooLarge(revision: number, concerned: Concerned, form: string): void {
    this.once(
      { policyRevision: revision, ...concerned, form },
      `decisions by policy revision ${revision} are too large and stored ${form}: ` +
        'make messages shorter, or have fewer conditions and resources',
    );
  }

  private once(fields: object, message: string): void {
    if (this.told.has(message)) return;
    this.told.add(message);
    this.logger.error(fields, message);
  }
}
