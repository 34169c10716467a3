import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { context, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { Secret } from './configuration.js';
import { createLogger } from './log.js';
import { NestLogger } from './nest-logger.js';

function capture(level = 'info') {
  let text = '';
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  const entries = () =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { logger: createLogger('audit', level, destination), entries, text: () => text };
}

describe('the log', () => {
  it('writes one JSON object a line: time, level, service, message and what was given', () => {
    const { logger, entries } = capture();
    logger.info({ agents: 3 }, 'agents read');
    logger.warn('careful\nnow');
    expect(entries()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/),
        service: 'audit',
        agents: 3,
        msg: 'agents read',
      },
      expect.objectContaining({ level: 'warn', msg: 'careful\nnow' }),
    ]);
  });

  it('leaves out what is less severe than asked for', () => {
    const { logger, entries } = capture('warn');
    logger.info('no');
    logger.error({ err: new Error('boom') }, 'yes');
    expect(entries()).toEqual([
      expect.objectContaining({ msg: 'yes', err: expect.objectContaining({ message: 'boom' }) }),
    ]);
  });

  it('shows no secret, whichever way it gets into a line', () => {
    const { logger, text } = capture();
    const token = 'eyJ-top-secret';
    logger.info({ token }, 'one');
    logger.info({ config: { token } }, 'two');
    logger.info({ authorization: `ApiToken ${token}`, request: { authorization: token } }, 'three');
    logger.info({ headers: { authorization: token } }, 'four');
    logger.info({ config: { SENTINELONE_API_TOKEN: new Secret(() => token) } }, 'five');
    expect(text()).not.toContain(token);
    expect(text().match(/\[secret\]/g)).toHaveLength(6);
  });

  it('names the trace that a line belongs to, and none where there is none or an invalid one', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const { logger, entries } = capture();
    const span = (traceId: string) =>
      trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: 'b7ad6b7169203331', traceFlags: TraceFlags.SAMPLED });
    context.with(span('0af7651916cd43dd8448eb211c80319c'), () => logger.info('in a trace'));
    context.with(span('0'.repeat(32)), () => logger.info('in an invalid one'));
    logger.info('in none');
    const [inside, invalid, outside] = entries();
    expect(inside).toMatchObject({ trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331' });
    expect(invalid).not.toHaveProperty('trace_id');
    expect(outside).not.toHaveProperty('trace_id');
  });

  it("takes in Nest's own words, its chatter at debug level", () => {
    const { logger, entries } = capture('debug');
    const nest = new NestLogger(logger);
    nest.log('Nest microservice started');
    nest.warn('hm');
    nest.error(new Error('boom'));
    nest.error('plain');
    expect(entries().map(({ level, msg }) => [level, msg])).toEqual([
      ['debug', 'Nest microservice started'],
      ['warn', 'hm'],
      ['error', 'boom'],
      ['error', 'plain'],
    ]);
  });
});
