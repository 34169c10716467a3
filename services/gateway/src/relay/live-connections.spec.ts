import { describe, expect, jest, test } from '@jest/globals';
import { LiveConnections, type Cut, type LiveConnection } from './live-connections.js';

const REVOKED: Cut = { cause: 'revoked', reasons: [{ code: 'condition-false', message: 'Infected.' }] };

function connection() {
  return { cut: jest.fn<LiveConnection['cut']>() };
}

describe('live connections', () => {
  test('of a grant are cut together, once, and with the reasons', () => {
    const onLast = jest.fn();
    const live = new LiveConnections(onLast);
    const [first, second, other] = [connection(), connection(), connection()];
    live.add('a', first);
    live.add('a', second);
    live.add('b', other);
    expect(live.cut('a', REVOKED)).toBe(2);
    expect(live.cut('a', REVOKED)).toBe(0);
    expect(first.cut.mock.calls).toEqual([[REVOKED]]);
    expect(second.cut.mock.calls).toEqual([[REVOKED]]);
    expect(other.cut).not.toHaveBeenCalled();
    expect([live.size, live.has('a'), live.has('b'), [...live.ids()]]).toEqual([1, false, true, ['b']]);
    expect(onLast).not.toHaveBeenCalled();
  });

  test('that say they are closed while they are cut say nothing new', () => {
    const onLast = jest.fn();
    const live = new LiveConnections(onLast);
    const closing: LiveConnection = { cut: () => live.closed(closing) };
    live.add('a', closing);
    live.add('a', connection());
    expect(live.cut('a', REVOKED)).toBe(2);
    expect([live.size, live.has('a')]).toEqual([0, false]);
    expect(onLast).not.toHaveBeenCalled();
  });

  test('that are closed are not cut any more, and the last one of a grant is told', () => {
    const onLast = jest.fn();
    const live = new LiveConnections(onLast);
    const [first, second] = [connection(), connection()];
    live.add('a', first);
    live.add('a', second);
    live.closed(first);
    live.closed(first);
    expect(onLast).not.toHaveBeenCalled();
    live.closed(second);
    expect(onLast.mock.calls).toEqual([['a']]);
    expect(live.cut('a', REVOKED)).toBe(0);
    expect(first.cut).not.toHaveBeenCalled();
  });

  test('go on under another grant, with those that it has', () => {
    const onLast = jest.fn();
    const live = new LiveConnections(onLast);
    const [moved, there] = [connection(), connection()];
    live.add('a', moved);
    live.add('b', there);
    live.move('a', 'b');
    live.move('b', 'b');
    live.move('nobody', 'b');
    expect(live.cut('a', REVOKED)).toBe(0);
    expect(live.cut('b', REVOKED)).toBe(2);
    live.add('c', moved);
    live.closed(moved);
    expect(onLast.mock.calls).toEqual([['c']]);
  });

  test('are cut though one of them cannot be, and that is told', () => {
    const onTrouble = jest.fn();
    const live = new LiveConnections(undefined, onTrouble);
    const broken = connection();
    const failure = new Error('no such socket');
    broken.cut.mockImplementation(() => {
      throw failure;
    });
    const whole = connection();
    live.add('a', broken);
    live.add('a', whole);
    expect(live.cut('a', { cause: 'revoked', reasons: [] })).toBe(2);
    expect(whole.cut).toHaveBeenCalledTimes(1);
    expect(onTrouble.mock.calls).toEqual([[failure]]);
    expect(live.size).toBe(0);
  });

  test('are as many as are there, whichever goes first', () => {
    const live = new LiveConnections();
    const all = [connection(), connection(), connection(), connection()];
    for (const each of all) live.add('a', each);
    for (const index of [1, 3, 0]) live.closed(all[index] ?? connection());
    expect([...live.all()]).toEqual([all[2]]);
    expect([live.size, live.cut('a', REVOKED)]).toEqual([1, 1]);
    expect(all.map(({ cut }) => cut.mock.calls.length)).toEqual([0, 0, 1, 0]);
  });

  test('that are over leave nothing behind, however many grants there were', () => {
    const live = new LiveConnections();
    for (let index = 0; index < 5_000; index += 1) {
      const each = connection();
      live.add(`grant ${index}`, each);
      live.closed(each);
    }
    const [back, again] = [connection(), connection()];
    live.add('grant 4999', back);
    live.add('grant 1', again);
    expect([live.size, [...live.ids()].toSorted()]).toEqual([2, ['grant 1', 'grant 4999']]);
    live.closed(back);
    expect([live.has('grant 4999'), live.has('grant 1')]).toEqual([false, true]);
  });
});
