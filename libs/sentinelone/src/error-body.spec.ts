import { describe, expect, it } from '@jest/globals';
import { readEmbeddedError, readErrorBody } from './error-body.js';

const TOKEN = 'eyJhbGciOi.abc/def+ghi';
const bad = { code: 400010, title: 'Bad parameter given', detail: null, params: {} };

describe('what an error answer says, in every form', () => {
  it.each<[string, unknown, unknown]>([
    ['documented', { errors: [bad] }, { code: 400010, title: 'Bad parameter given' }],
    ['with detail', { errors: [{ ...bad, detail: 'limit' }] }, { code: 400010, title: bad.title, detail: 'limit' }],
    ['message for title', { errors: [{ code: 4010010, message: 'Auth' }] }, { code: 4010010, title: 'Auth' }],
    ['name for title', { errors: [{ name: 'AuthError' }] }, { title: 'AuthError' }],
    ['nested', { error: { errors: [{ code: 4030010, title: 'x' }] } }, { code: 4030010, title: 'x' }],
    ['code as text', { errors: [{ code: '4030010', title: 'x' }] }, { code: 4030010, title: 'x' }],
    ['code of another kind', { errors: [{ code: 'E_X', title: 'x' }] }, { title: 'x' }],
    ['one object', { error: { message: 'gone' } }, { title: 'gone' }],
    ['one text', { error: 'gone' }, { detail: 'gone' }],
    ['list of texts', { errors: ['gone'] }, { detail: 'gone' }],
    ['bare message', { message: 'Too many requests' }, { title: 'Too many requests' }],
    ['errors null', { data: null, errors: null, message: 'no' }, { title: 'no' }],
    [
      'detail as object',
      { errors: [{ title: 'x', detail: { limit: ['bad'] } }] },
      { title: 'x', detail: '{"limit":["bad"]}' },
    ],
    ['list at the top', [{ title: 'x' }], { title: 'x' }],
  ])('%s', (_, body, said) => {
    expect(readErrorBody(JSON.stringify(body), TOKEN)).toEqual(said);
  });

  it.each([
    ['<html><head><title>502 Bad\n Gateway</title></head><body>x</body></html>', '502 Bad Gateway'],
    ['<p>Access <b>denied</b></p>', 'Access denied'],
    ['upstream timed out', 'upstream timed out'],
  ])('page %j', (body, detail) => {
    expect(readErrorBody(body, TOKEN)).toEqual({ detail });
  });

  it('nothing, when there is nothing', () => {
    expect(readErrorBody('', TOKEN)).toEqual({});
    expect(readErrorBody('{}', TOKEN)).toEqual({});
    expect(readErrorBody('null', TOKEN)).toEqual({});
  });

  it.each([
    JSON.stringify({ errors: [{ title: `bad token ${TOKEN}`, detail: `ApiToken ${TOKEN}` }] }),
    JSON.stringify({ errors: [{ title: 'x', detail: { header: { authorization: [`ApiToken ${TOKEN}`] } } }] }),
    `<html>you sent ${TOKEN}</html>`,
    `<title>?t=${encodeURIComponent(TOKEN)}</title>`,
    // Cut to length only once the token is out.
    `${'x'.repeat(297)}${TOKEN}`,
    // Another token than the one of this attempt.
    'Authorization: ApiToken some-older-token-abc/def',
  ])('never the token: %j', (body) => {
    const said = JSON.stringify(readErrorBody(body, TOKEN));
    expect(said).not.toMatch(/eyJhb|abc\/def|abc%2Fdef/);
    expect(said).toContain('[to');
  });
});

describe('errors within a successful answer', () => {
  it.each([
    [{ data: [], errors: null }, undefined],
    [{ data: [], errors: [] }, undefined],
    [{ data: [] }, undefined],
    [
      { data: [], errors: [bad] },
      { code: 400010, title: 'Bad parameter given' },
    ],
    [{ data: [], error: 'partial' }, { detail: 'partial' }],
  ])('%j', (answer, said) => {
    expect(readEmbeddedError(answer, TOKEN)).toEqual(said);
  });
});
