import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { STREAMS } from '../streams.js';

const deadline = z.object({ deviceId: id, dueAt: timestamp });

/**
 * A scheduled message: at `dueAt` the server publishes its body on the device's `timer.due` subject. What fires is a
 * copy, so its body is already the `timer.due` event.
 */
export const TimerSet = defineEvent({
  name: 'timer.set',
  type: 'dev.stance.timer.due.v1',
  keys: ['deviceId'],
  summary:
    'The earliest time at which a decision about a device may change by itself. Its body is the `timer.due` event.',
  owners: ['policy-engine'],
  stream: STREAMS.TIMERS,
  data: deadline,
});

export const TimerDue = defineEvent({
  name: 'timer.due',
  keys: ['deviceId'],
  summary: 'Look at this device again. Published by the server when a timer fires.',
  owners: ['policy-engine'],
  stream: STREAMS.TIMERS,
  data: deadline,
});
