import type { ResourceDecision } from '@stance/contracts';
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

export interface Gateway {
  readonly name: string;
  readonly resources: readonly string[];
}

export interface Rule {
  readonly name: string;
  readonly effect: 'allow' | 'deny';
  /** Every resource that it covers, with `*` spelt out. */
  readonly resources: readonly string[];
  /** Any within one of the three, all across them; an empty one asks for nothing. */
  readonly groups: readonly string[];
  readonly tags: readonly string[];
  readonly owners: readonly string[];
  /** Names of postures: all of them. */
  readonly require: readonly string[];
  /** Names of postures: one of them; empty asks for nothing. */
  readonly requireAny: readonly string[];
  /** Names of postures, of a deny rule: it matches on any of them; empty matches always. */
  readonly when: readonly string[];
  /** Milliseconds; goes before the posture's. */
  readonly maxAge: number | undefined;
  readonly message: string | undefined;
}

/** A device as a policy's own test describes it. */
export type TestDevice = NonNullable<PolicyDocument['tests']>[number]['device'];

export interface PolicyTest {
  readonly name: string;
  /** Start from a device that holds all that the rules require, then change it. */
  readonly fromPassing: boolean;
  readonly device: TestDevice;
  readonly expect: ReadonlyMap<string, ResourceDecision['effect']>;
}

/** A policy whose every name, condition and value has been checked. */
export interface Policy {
  /** Milliseconds. */
  readonly maxAge: number;
  readonly postures: ReadonlyMap<string, Posture>;
  readonly gateways: readonly Gateway[];
  readonly rules: readonly Rule[];
  readonly tests: readonly PolicyTest[];
}
