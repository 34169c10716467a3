import type { RefusedSweep } from './checkpoint.js';

/** A sweep that would retire more agents than is believed; nobody is retired until a person approves of it. */
export class SweepRefused extends Error {
  override readonly name = 'SweepRefused';

  constructor(source: string, { absent, present, limit }: RefusedSweep) {
    super(
      `the console shows ${absent} of ${present} agents no more, and one sweep may retire ${limit}: nobody is retired. ` +
        `Check the console and the scope of the token; if they are really gone: stance sources approve ${source} --reason <why>`,
    );
  }
}

/** A sweep that met unreadable records: who is absent cannot be known. */
export class SweepIncomplete extends Error {
  override readonly name = 'SweepIncomplete';
}
