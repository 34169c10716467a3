import type { ListUnmatched, matchProblem } from '@stance/contracts';
import type { z } from 'zod';

type UnmatchedList = z.output<typeof ListUnmatched.output>;
type MatchProblem = z.infer<typeof matchProblem>;
type DeviceProblem = NonNullable<UnmatchedList['devices'][number]['problem']>;

/** What is the matter, and what would match them: a sentence each. */
export interface Remedy {
  readonly matter: string;
  readonly remedy: string;
}

/** What a person can do about each reason for which an agent belongs to no device. */
export const AGENT_REMEDIES: Readonly<Record<MatchProblem | 'no-reason', Remedy>> = {
  'no-serial': {
    matter: 'The agent reports no serial number, and nothing else that names a device.',
    remedy:
      'Give the device in the inventory what the agent does report (UUID, external id with a MAC address, MAC addresses with the host name), or link the two.',
  },
  'placeholder-serial': {
    matter: 'The serial number is a placeholder that many machines have.',
    remedy:
      'Set the real one in the firmware, give the device in the inventory another identifier that the agent reports, or link the two.',
  },
  'no-device': {
    matter: 'No enrolled device has what the agent reports.',
    remedy:
      'Enrol the device with the serial number of its agent, correct that of a similar device, or remove an agent that is not yours from its console.',
  },
  'duplicate-device-serial': {
    matter: 'Several devices of the inventory have the serial number.',
    remedy: 'Correct or retire all but one of these devices in the inventory, or link the agent to the right one.',
  },
  'duplicate-agent-serial': {
    matter: 'Several agents report one serial number.',
    remedy:
      'Remove those that are left over from the console, give copied virtual machines serial numbers of their own, or link the right agent.',
  },
  'several-devices': {
    matter: 'What the agent reports fits several devices.',
    remedy: 'Make it unique in the inventory, or link the agent to the right device.',
  },
  'several-agents': {
    matter: 'Several agents claim one device, and need not be one machine.',
    remedy: 'Remove those that are left over from the console, or link the right agent.',
  },
  'conflicting-keys': {
    matter: 'What the agent reports names different devices.',
    remedy:
      'Correct the inventory so that serial number, UUID, external id and MAC addresses stand at one device, or link the agent to the right one.',
  },
  'unproven-successor': {
    matter:
      'It may be a machine set up anew, but nothing proves it: a second identifier has to agree, and the agent before it has to have been clean.',
    remedy:
      'Look at the agent before it (`stance device`); once the machine is known to be clean and the same, link the new agent.',
  },
  superseded: {
    matter: 'Another agent has taken its place at the device.',
    remedy: 'Remove it from the console; if it is the right one all the same, link it.',
  },
  'linked-elsewhere': {
    matter: 'A person linked the device to another agent.',
    remedy: 'Nothing, if they were right; otherwise `stance match list` says who, and `stance match unlink` undoes it.',
  },
  'no-reason': {
    matter: 'The matcher gives no reason.',
    remedy: 'Bring device-matcher to the version of this command, or link the agent.',
  },
};

/** What a person can do about each reason for which a device has no agent. */
export const DEVICE_REMEDIES: Readonly<Record<DeviceProblem | 'no-agent', Remedy>> = {
  'no-agent': {
    matter: 'No agent reports what the inventory has of the device.',
    remedy:
      'Install an agent, see that its console is read (`stance sources`), correct the identifiers in the inventory, or link an agent.',
  },
  'several-devices': {
    matter: 'The device shares a key with others, so that nobody can tell whose an agent is.',
    remedy:
      'Correct the key of all but one of them in the inventory, retire those that are left over, or link an agent.',
  },
  'no-serial': {
    matter: 'The inventory has nothing to match the device by.',
    remedy: 'Record its serial number, or link an agent.',
  },
  'placeholder-serial': {
    matter: 'The inventory has only a placeholder for a serial number, nothing to match the device by.',
    remedy: 'Record the real serial number or another identifier that the agent reports, or link an agent.',
  },
};
