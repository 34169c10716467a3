import type { AttributeValue, Denial, Reason, ReasonCode } from '@stance/contracts';

/** What a page is about, for the person who reads it. */
export type PageKind = 'failed' | 'closed' | 'unproved' | 'unsure' | 'refused' | 'warned';

export interface PageWords {
  /** Above the title. */
  readonly label: string;
  readonly title: string;
  readonly summary: string;
  /** Above the reasons. */
  readonly why: string;
  /** What to do next, in this order. */
  readonly steps: readonly string[];
}

/** Reasons that are not about a check of the device. */
const KINDS: Partial<Record<ReasonCode, PageKind>> = {
  'not-enrolled': 'closed',
  'device-retired': 'closed',
  'device-quarantined': 'closed',
  'no-rule': 'closed',
  'decision-missing': 'closed',
  'identity-missing': 'unproved',
  'identity-forged': 'refused',
  'no-policy': 'unsure',
  'engine-silent': 'unsure',
  'decision-expired': 'unsure',
  'awaiting-decision': 'unsure',
  'evaluation-error': 'unsure',
};

const WORDS: Record<PageKind, PageWords> = {
  failed: {
    label: 'Access denied',
    title: 'This device may not be used here right now',
    summary: 'Access depends on the state of your device. Something about it has to change first.',
    why: 'What was checked',
    steps: [
      'Do what it says above for each check.',
      'Then try again: access comes back by itself, mostly within a minute of the change.',
      'If it does not, or if you do not know how, ask IT and give the reference below.',
    ],
  },
  closed: {
    label: 'Access denied',
    title: 'This is not open to you and this device',
    summary: 'No check of your device has failed. IT has to say who may have access, and with which device.',
    why: 'Why',
    steps: ['If you should have access, ask IT and give the reference below.'],
  },
  unproved: {
    label: 'Access denied',
    title: 'Your device could not be recognised',
    summary: 'Access is for devices that IT has enrolled, and this request came without sufficient proof of one.',
    why: 'What is missing',
    steps: [
      'Use a device that IT has set up for you.',
      'If this is one: when your browser asks for a certificate, choose the one of your device; or restart the browser to be asked again.',
      'If that does not help, ask IT and give the reference below.',
    ],
  },
  refused: {
    label: 'Request refused',
    title: 'This request was refused',
    summary: 'It says who sends it in a way that cannot be trusted, so nothing in it was believed.',
    why: 'What was refused',
    steps: [
      'Turn off browser extensions or tools that change requests, then try again.',
      'If you use none, ask IT and give the reference below: they will want to know.',
    ],
  },
  unsure: {
    label: 'Access not possible at the moment',
    title: 'Access cannot be checked right now',
    summary: 'You and your device have done nothing wrong. Until it can be checked, nobody is let in, to be safe.',
    why: 'What happened',
    steps: ['Wait a minute, then try again.', 'If it goes on for longer, tell IT and give the reference below.'],
  },
  warned: {
    label: 'Warning',
    title: 'Your access will end soon',
    summary: 'You are still let in. Something about your device has to change, or access ends.',
    why: 'What was checked',
    steps: [
      'Do what it says above for each check while there is time.',
      'This warning goes away by itself, mostly within a minute of the change.',
      'If it does not, or if you do not know how, ask IT and give the reference below.',
    ],
  },
};

export function kindOf({ effect, reasons }: Pick<Denial, 'effect' | 'reasons'>): PageKind {
  if (effect === 'warn') return 'warned';
  const [first] = reasons;
  return (first && KINDS[first.code]) ?? 'failed';
}

export function wordsOf(kind: PageKind): PageWords {
  return WORDS[kind];
}

/**
 * What the reason says to the person: the policy's own message and what to do. What it says of attribute and condition
 * stands below it in plain words; where it says nothing else, it stays.
 */
export function messageInWords({ code, message, attribute, expected }: Reason): string {
  const condition = `needs ${expected ?? ''}.`;
  const from = attribute === undefined ? -1 : message.indexOf(`${attribute} `);
  const to = from === -1 ? -1 : message.indexOf(condition, from);
  if (to === -1) return message === '' ? code : message;
  const rest = `${message.slice(0, from)}${message.slice(to + condition.length).trimStart()}`.trim();
  return rest === '' ? message : rest;
}

/** `sentinelOne:encryptedApplications` as `Encrypted applications`. */
export function attributeInWords(attribute: string): string {
  const name = attribute.slice(attribute.indexOf(':') + 1);
  const words = name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function valueInWords(value: AttributeValue | undefined): string {
  if (value === undefined) return 'nothing is known';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  return value === '' ? 'nothing' : String(value);
}

const COMPARISONS: Readonly<Record<string, string>> = {
  '==': '',
  '!=': 'anything but ',
  '<': 'less than ',
  '<=': 'at most ',
  '>': 'more than ',
  '>=': 'at least ',
  IN: 'one of ',
  'NOT IN': 'none of ',
  CONTAINS: 'something with ',
  'IS SET': 'any value',
  'NOT SET': 'no value',
};

/** What a condition asks for, as in `>= 24.2`; anything else as it is written. */
export function expectedInWords(expected: string): string {
  const [, operator = '', operand = ''] =
    /^(==|!=|<=|>=|<|>|NOT IN|IN|CONTAINS|IS SET|NOT SET)\s*(.*)$/s.exec(expected) ?? [];
  const comparison = COMPARISONS[operator];
  if (comparison === undefined) return expected;
  const plain = operand.replaceAll(/^\[\s*|\s*\]$|['"]/g, '');
  return comparison + ({ true: 'yes', false: 'no' }[plain] ?? plain);
}
