/** Thrown when another poller of the same source turns out to be active: this one has to stand by and start over. */
export class Outlived extends Error {
  override readonly name: string = 'Outlived';
}
