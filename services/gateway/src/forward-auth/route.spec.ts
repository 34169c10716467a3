import { expect, test } from '@jest/globals';
import { routeOf } from './route.js';

test.each([
  ['/authorize', undefined],
  ['/authorize/', undefined],
  ['/authorize?resource=git', undefined],
  ['/authorize/wiki', 'wiki'],
  ['/authorize/wiki?x=/authorize/git', 'wiki'],
  ['/authorize/wiki/original/path', 'wiki'],
  ['/authorize/wiki/../git', 'wiki'],
  ['/authorize/team%20wiki', 'team wiki'],
  ['/authorize//wiki', undefined],
  ['/authorize/../git', undefined],
  ['/authorize/./wiki', undefined],
  ['/authorize/%2e%2e/git', undefined],
  ['/authorize/wiki%2F..%2Fgit', undefined],
  ['/authorize/wiki%5C..%5Cgit', undefined],
  ['/authorize/%77iki', undefined],
  ['/authorize/%2577iki', undefined],
  ['/authorize/wiki%00', undefined],
  ['/authorize/%ff', undefined],
  ['/authorize/%', undefined],
  [`/authorize/${'a'.repeat(201)}`, undefined],
])('%s is about the resource %s', (target, resource) => {
  expect(routeOf(target)).toEqual({ to: 'authorize', resource });
});

test.each(['/', '/authorized', '/AUTHORIZE', '//authorize/wiki', 'http://other/authorize/wiki', '*', '', '/denied'])(
  '%s leads nowhere',
  (target) => {
    expect(routeOf(target)).toEqual({ to: 'nowhere' });
  },
);
