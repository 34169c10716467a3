/** By what a requirement with grace is known from one policy to the next. */
export const graceKey = (rule: string, posture: string): string => `${rule}\n${posture}`;
