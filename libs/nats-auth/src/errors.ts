/** Thrown when what a folder holds cannot be used; the message names the file. */
export class UnusableAuthFolder extends Error {
  override readonly name = 'UnusableAuthFolder';
}
