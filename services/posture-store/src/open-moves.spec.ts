import { expect, it } from '@jest/globals';
import { OpenMoves } from './open-moves.js';

it('a retry still has the devices of the attempts before it', () => {
  const moves = new OpenMoves();
  moves.open('a', ['old', 'new']);
  expect([...moves.open('a', ['new'])]).toEqual(['old', 'new']);
});

it('what is done with is forgotten', () => {
  const moves = new OpenMoves();
  moves.open('a', ['old', 'new']);
  moves.close('a');
  expect([...moves.open('a', ['new'])]).toEqual(['new']);
});

it('of messages that were given up no more than so many are kept; those tried last stay', () => {
  const moves = new OpenMoves(2);
  moves.open('tried again', ['old']);
  moves.open('given up', ['old']);
  moves.open('tried again', []);
  moves.open('another', ['old']);
  expect([...moves.open('tried again', ['new'])]).toEqual(['old', 'new']);
  expect([...moves.open('given up', ['new'])]).toEqual(['new']);
});

it('of any number of messages that were given up, the last few thousand are kept', () => {
  const moves = new OpenMoves();
  const subjects = Array.from({ length: 10_000 }, (_, index) => `agent-${index}`);
  for (const subject of subjects) moves.open(subject, ['old']);
  expect([...moves.open('agent-0', ['new'])]).toEqual(['new']);
  expect([...moves.open('agent-9999', ['new'])]).toEqual(['old', 'new']);
});
