import { describe, expect, it } from '@jest/globals';
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { NatsUnreachable, TopologyMismatch } from '@stance/jetstream';
import { isMissingStream, isOutage } from './outage.js';

const apiError = (status: number) => new JetStreamApiError({ code: status, err_code: 10008, description: 'why' });
const forbidden = new errors.PermissionViolationError('no', 'publish', '$JS.API.INFO');

describe('a failure passes by itself', () => {
  it.each([
    ['when there was no answer in time', new errors.TimeoutError()],
    ['when the request got lost', new errors.RequestError('no responders')],
    ['when the connection broke', new errors.ConnectionError('disconnect')],
    ['while JetStream has no leader', apiError(503)],
    ['while no server lets us in', new NatsUnreachable('no NATS server answers')],
  ])('%s', (_, error) => {
    expect(isOutage(error)).toBe(true);
  });
});

describe('a failure stays', () => {
  it.each([
    ['when the request is not allowed', new errors.RequestError('refused', { cause: forbidden })],
    ['when JetStream refuses it', apiError(400)],
    ['when the connection was closed on purpose', new errors.ClosedConnectionError()],
    ['when it is a defect', new TypeError('x is undefined')],
    ['when it is no error at all', 'nothing'],
  ])('%s', (_, error) => {
    expect(isOutage(error)).toBe(false);
  });
});

describe('a failure is for want of a stream', () => {
  it.each([
    ['when JetStream has none', JetStreamApiCodes.StreamNotFound, true],
    ['not when it has no message', JetStreamApiCodes.NoMessageFound, false],
  ])('%s', (_, code, missing) => {
    const error = new JetStreamApiError({ code: 404, err_code: code, description: 'why' });
    expect(isMissingStream(error)).toBe(missing);
  });

  it('when one is not as it should be', () => {
    expect(isMissingStream(new TopologyMismatch([{ stream: 'STANCE_AGENTS', problem: 'is missing' }]))).toBe(true);
    expect(isMissingStream(new errors.TimeoutError())).toBe(false);
  });
});
