import type { DeviceProof, Effect } from '@stance/contracts';
import type { PolicyDocument } from './document/schema.js';
import type { Condition } from './conditions/condition.js';

/** A problem of a policy document, and where it is. */
export interface PolicyError {
  readonly message: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Such as `rules[0].require[1]`; empty for the document as a whole. */
  readonly path: string;
}

export interface Posture {
  readonly name: string;
  readonly conditions: readonly Condition[];
  /** Milliseconds; undefined where the rule or the default says it. */
  readonly maxAge: number | undefined;
}

/** Enforced, or only told. */
export type Mode = 'enforce' | 'report';

export interface Gateway {
  readonly name: string;
  readonly resources: readonly string[];
  /** The least proof of a device; undefined where any will do. */
  readonly identity: DeviceProof | undefined;
  readonly enforcement: Mode;
  readonly hold: Hold | undefined;
}

/** When more than a share of a gateway's sessions would be revoked within a minute, they wait for a person. */
export interface Hold {
  /** How long at most, in milliseconds. */
  readonly for: number;
  /** The share, above 0 and up to 1. */
  readonly above: number;
}

/** A posture that a rule asks for. */
export interface Requirement {
  readonly posture: string;
  /** For how long a failure is borne with, in milliseconds; 0 for not at all. */
  readonly grace: number;
  /** How long it has to hold before a failure has its full grace again, in milliseconds. */
  readonly rearm: number;
}

export interface Rule {
  readonly name: string;
  readonly effect: 'allow' | 'deny';
  readonly mode: Mode;
  /** Every resource that it covers, with `*` spelt out. */
  readonly resources: readonly string[];
  /** Any within one of the three, all across them; an empty one asks for nothing. */
  readonly groups: readonly string[];
  readonly tags: readonly string[];
  readonly owners: readonly string[];
  /** All of them. */
  readonly require: readonly Requirement[];
  /** One of them; empty asks for nothing. */
  readonly requireAny: readonly Requirement[];
  /** Names of postures, of a deny rule: it matches on any of them; empty matches always. */
  readonly when: readonly string[];
  /** Milliseconds; goes before the posture's. */
  readonly maxAge: number | undefined;
  readonly message: string | undefined;
}

/** Lets one device reach what one rule grants without holding some of the postures that the rule requires. */
export interface Exception {
  readonly device: string;
  readonly rule: string;
  readonly waive: readonly string[];
  /** Milliseconds since the epoch; over from then on. */
  readonly until: number;
  readonly reason: string;
  readonly approvedBy: string;
}

/** A device as a policy's own test describes it. */
export type TestDevice = NonNullable<PolicyDocument['tests']>[number]['device'];

export interface PolicyTest {
  readonly name: string;
  /** Start from a device that holds all that the rules require, then change it. */
  readonly fromPassing: boolean;
  readonly device: TestDevice;
  /** Milliseconds since the epoch; undefined for the time of the run. */
  readonly at: number | undefined;
  /** For how long the device has been as the test changes it, in milliseconds. */
  readonly failingFor: number;
  readonly expect: ReadonlyMap<string, Effect>;
}

/** A policy whose every name, condition and value has been checked. */
export interface Policy {
  readonly mode: Mode;
  /** Milliseconds. */
  readonly maxAge: number;
  readonly postures: ReadonlyMap<string, Posture>;
  readonly gateways: readonly Gateway[];
  readonly rules: readonly Rule[];
  readonly exceptions: readonly Exception[];
  readonly tests: readonly PolicyTest[];
}
