import { describe, expect, it } from '@jest/globals';
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { isOutage } from './outage.js';

const apiError = (status: number) => new JetStreamApiError({ code: status, err_code: 10008, description: 'why' });
const forbidden = new errors.PermissionViolationError('no', 'publish', '$JS.API.INFO');

describe('a failure passes by itself', () => {
  it.each([
    ['when there was no answer in time', new errors.TimeoutError()],
    ['when the request got lost', new errors.RequestError('no responders')],
    ['when the connection broke', new errors.ConnectionError('disconnect')],
    ['while JetStream has no leader', apiError(503)],
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
