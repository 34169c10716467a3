import { describe, expect, test } from '@jest/globals';
import type { Reason } from '@stance/contracts';
import { denialPage } from './denial-page.js';
import { Denials } from './denials.js';

const infected: readonly Reason[] = [{ code: 'condition-false', message: 'This machine is infected.' }];
const stale: readonly Reason[] = [{ code: 'attribute-stale', message: 'Not seen for 3 days.' }];
const wiki = { deviceId: 'laptop-1', resource: 'wiki' };

describe('denials', () => {
  test('have one id for one who asks again for the same reasons, and another for others', () => {
    const denials = new Denials('edge');
    const first = denials.record(wiki, infected);
    expect(denials.record(wiki, [...infected])).toBe(first);
    expect(denials.record(wiki, stale).denialId).not.toBe(first.denialId);
    expect(denials.record({ ...wiki, deviceId: 'laptop-2' }, infected).denialId).not.toBe(first.denialId);
    expect(denials.get(first.denialId)).toMatchObject({ gateway: 'edge', ...wiki, reasons: infected });
  });

  test('are bounded: the oldest go first', () => {
    const denials = new Denials('edge', () => 0, { kept: 2, forMs: 1_000 });
    const ids = ['a', 'b', 'c'].map((deviceId) => denials.record({ ...wiki, deviceId }, infected).denialId);
    expect(ids.map((id) => denials.get(id) !== undefined)).toEqual([false, true, true]);
    expect(denials.record({ ...wiki, deviceId: 'a' }, infected).denialId).not.toBe(ids[0]);
  });

  test('are kept for a while', () => {
    let now = 0;
    const denials = new Denials('edge', () => now, { kept: 10, forMs: 1_000 });
    const { denialId } = denials.record(wiki, infected);
    now = 999;
    expect(denials.get(denialId)).toBeDefined();
    now = 1_000;
    expect(denials.get(denialId)).toBeUndefined();
  });
});

test('the page for a person says what failed, and runs nothing that came with a reason', () => {
  const page = denialPage({
    denialId: 'd-1',
    reasons: [
      {
        code: 'condition-false',
        message: '<script>alert(1)</script>',
        attribute: 'sentinelOne:infected',
        expected: '== false',
        actual: true,
      },
    ],
  });
  expect(page).toContain('d-1');
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(page).toContain('sentinelOne:infected must be == false, is true');
  expect(page).not.toContain('<script>');
});
