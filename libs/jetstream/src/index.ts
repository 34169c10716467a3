export { addressesIn, UnusableAddress, withoutPasswords } from './addresses.js';
export * from './connection.js';
export * from './copies.js';
export * from './topology.js';
export * from './publisher.js';
export * from './fact-table.js';
export * from './warm-stream.js';
export * from './last-event.js';
export * from './stored-event.js';
export * from './stream-follower.js';
export * from './stream-watch.js';
export * from './settled.js';
export * from './settlement.js';
export * from './context.js';
export * from './consume-loop.js';
export * from './handlers.js';
export * from './requests.js';
export * from './denial-id.js';
export * from './look-up-denial.js';
export * from './lease.js';
export * from './jetstream.strategy.js';
export * from './errors.filter.js';
export * from './wrong-last-sequence.js';
export {
  currentTraceparent,
  inSpan,
  markFailed,
  newTraceparent,
  TRACE_PRIORITY,
  type SpanOptions,
  type TracePriority,
} from './trace-context.js';
