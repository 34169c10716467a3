export { runStance } from './program.js';
export type { Io, Output } from './io.js';
