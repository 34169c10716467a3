import { describe, expect, test } from '@jest/globals';
import { selectRoute, type Route } from './select-route.js';

const route = (resource: string, path: string, host?: string): Route => ({
  resource,
  path,
  upstream: 'http://127.0.0.1:8080',
  ...(host !== undefined && { host }),
});

const ROUTES: readonly Route[] = [
  route('payroll', '/', 'payroll.example.org'),
  route('wiki-admin', '/wiki/admin/'),
  route('wiki', '/wiki/'),
  route('v2.0', '/api/v2.0/'),
  route('rest', '/', 'rest.example.org'),
];

/** The resource that a request reaches; 'refused', or 'nowhere'. */
function reached(target: string, host = 'apps.example.org', routes = ROUTES): string {
  const selection = selectRoute(routes, { target, host });
  return selection.outcome === 'selected' ? selection.route.resource : selection.outcome;
}

describe('a request reaches the resource', () => {
  test.each([
    ['of the first route that fits', '/wiki/page', undefined, 'wiki'],
    ['of a longer path that stands before it', '/wiki/admin/users', undefined, 'wiki-admin'],
    ['of a path whose last slash it leaves out', '/wiki', undefined, 'wiki'],
    ['of a path with a query', '/wiki?next=//evil/../%2f;a', undefined, 'wiki'],
    ['of its host', '/anything', 'payroll.example.org', 'payroll'],
    ['of its host in any case', '/anything', 'Payroll.Example.org', 'payroll'],
    ['of its host with a port', '/anything', 'payroll.example.org:8443', 'payroll'],
    ['of any host', '/wiki/x', 'unheard.example.org', 'wiki'],
    ['whose path goes on with escaped letters', '/wiki/J%C3%BCrgen%20%26%20Co', undefined, 'wiki'],
    ['whose path goes on with a percent sign', '/wiki/100%25', undefined, 'wiki'],
    ['whose path has dots in names', '/api/v2.0/.well-known/a..b', undefined, 'v2.0'],
    ['of an absolute target of the same host', 'http://apps.example.org/wiki/x', undefined, 'wiki'],
    ['of an address', '/wiki/', '[2001:db8::1]:8080', 'wiki'],
  ])('%s: %s', (_what, target, host, resource) => {
    expect(reached(target, host)).toBe(resource);
  });

  test('and its upstream is asked for the same target, in origin form', () => {
    const asked = { target: 'http://apps.example.org/wiki/a%20b?q=%2f', host: 'apps.example.org' };
    expect(selectRoute(ROUTES, asked)).toMatchObject({ outcome: 'selected', target: '/wiki/a%20b?q=%2f' });
  });
});

describe('nothing is reached', () => {
  test.each([
    ['a path of no route', '/other'],
    ['a path that only begins like one', '/wikipedia/'],
    ['the root', '/'],
  ])('by %s: %s', (_what, target) => {
    expect(reached(target)).toBe('nowhere');
  });
});

describe('refused is', () => {
  test.each([
    ['an encoded slash', '/wiki%2fadmin/'],
    ['an encoded slash in capitals', '/wiki/%2Fadmin'],
    ['an encoded backslash', '/wiki/..%5cadmin'],
    ['a backslash', '/wiki\\admin/'],
    ['what is encoded twice', '/wiki/%252fadmin'],
    ['what is encoded twice, the percent sign too', '/wiki/%25%32%66admin'],
    ['what is encoded three times', '/wiki/%25252e'],
    ['a dot segment', '/wiki/./admin/'],
    ['a segment of two dots', '/wiki/../payroll/'],
    ['a last segment of two dots', '/wiki/x/..'],
    ['an encoded dot segment', '/wiki/%2e%2e/payroll/'],
    ['a half-encoded dot segment', '/wiki/.%2E/payroll/'],
    ['a dot segment of look-alikes', '/wiki/%EF%BC%8E%EF%BC%8E/payroll/'],
    ['a dot segment between look-alikes of slashes', '/wiki/x%EF%BC%8F..%EF%BC%8F'],
    ['an empty segment', '/wiki//admin/'],
    ['an empty segment of look-alikes', '/wiki/x%EF%BC%8F/admin/'],
    ['an empty first segment of look-alikes', '/%EF%BC%8Fwiki/'],
    ['a look-alike of a backslash', '/wiki/x%EF%BC%BCadmin/'],
    ['a look-alike of a semicolon', '/wiki/x%EF%BC%9Bx=1/'],
    ['a semicolon that is a question mark in Greek', '/wiki/x%CD%BE/'],
    ['an encoding behind a look-alike of a percent sign', '/wiki/%EF%BC%852fadmin/'],
    ['an empty first segment', '//wiki/'],
    ['a control character', '/wiki/%00'],
    ['a line break', '/wiki/%0d%0aX: y'],
    ['DEL', '/wiki/%7f'],
    ['a parameter of a segment', '/wiki;x=1/admin/'],
    ['an encoded parameter of a segment', '/wiki/..%3b/admin/'],
    ['half an encoding', '/wiki/%2'],
    ['an encoding of nothing', '/wiki/%zz'],
    ['an overlong encoding of a slash', '/wiki/%c0%af'],
    ['bytes that are no UTF-8', '/wiki/%ff'],
    ['a fragment', '/wiki/#/admin'],
    ['a fragment after a query', '/wiki/?a#b'],
    ['a raw letter that has to be encoded', '/wiki/ü'],
    ['a space', '/wiki/a b'],
    ['an absolute target of another host', 'http://payroll.example.org/wiki/'],
    ['an absolute target of another port', 'http://apps.example.org:81/wiki/'],
    ['an absolute target with a password', 'http://a:b@apps.example.org/wiki/'],
    ['an absolute target without a path', 'http://apps.example.org'],
    ['an absolute target of another protocol', 'ftp://apps.example.org/wiki/'],
    ['a target that is a host', 'apps.example.org:443'],
    ['all of the server', '*'],
    ['nothing', ''],
    ['a path that upstreams without case take for that of another resource', '/wiki/Admin/users'],
    ['a path that begins in capitals', '/WIKI/page'],
    ['a path that decodes to that of another resource', '/wiki/%61dmin/users'],
    ['a path of look-alikes', '/wiki/%EF%BD%81dmin/users'],
    ['a dot of a prefix that is encoded', '/api/v2%2e0/x'],
  ])('%s: %s', (_what, target) => {
    expect(reached(target)).toBe('refused');
  });

  test.each([
    ['nothing', ''],
    ['a list', 'a.example.org, b.example.org'],
    ['a user', 'user@payroll.example.org'],
    ['a path', 'payroll.example.org/wiki'],
    ['a last dot, which some servers take for another host', 'payroll.example.org.'],
    ['an empty label', 'payroll..example.org'],
    ['a port that is none', 'payroll.example.org:http'],
    ['more than one port', 'payroll.example.org:1:2'],
    ['a space', 'payroll.example.org '],
    ['what has to be encoded', 'pàyroll.example.org'],
  ])('a Host header that says %s: %s', (_what, host) => {
    expect(reached('/wiki/', host)).toBe('refused');
  });
});
