/** `1 agent`, `2 agents`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** A share of 1 in percent. */
export const percent = (share: number): string => `${share < 0.01 ? 'less than 1' : Math.round(share * 100)} %`;

/** Seconds, with a fraction where there are few. */
export const seconds = (value: number): string => `${value < 10 ? Number(value.toFixed(2)) : Math.round(value)} s`;
