import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { ProgressLine } from './progress-line.js';

class Terminal extends Writable {
  text = '';

  constructor(readonly isTTY: boolean) {
    super();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

test('progress is written over on a terminal, ten times a second at most, and taken off at the end', () => {
  const terminal = new Terminal(true);
  let now = 0;
  const line = new ProgressLine(terminal, () => now);
  for (const at of [0, 50, 100]) {
    now = at;
    line.tell(`at ${at}`);
  }
  line.end();
  expect(terminal.text).toBe('\r\u001B[Kat 0\r\u001B[Kat 100\r\u001B[K');
});

test('no progress is written where there is no terminal', () => {
  const pipe = new Terminal(false);
  const line = new ProgressLine(pipe);
  line.tell('at 1');
  line.end();
  expect(pipe.text).toBe('');
});
