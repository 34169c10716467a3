/** What time it is, in milliseconds since the epoch. */
export type Clock = () => number;

export const CLOCK = Symbol('clock');
