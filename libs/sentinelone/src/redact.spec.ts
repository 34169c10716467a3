import { expect, it } from '@jest/globals';
import { redact } from './redact.js';

it.each([
  ['you sent abc/def"ghi', 'abc/def"ghi', 'you sent [token]'],
  ['?t=abc%2Fdef', 'abc/def', '?t=[token]'],
  ['{"t":"abc\\"def"}', 'abc"def', '{"t":"[token]"}'],
  ['abc abc', 'abc', '[token] [token]'],
  ['Authorization: ApiToken 0123456789abcdef0123', 'another', 'Authorization: ApiToken [token]'],
  ['apitoken%200123456789abcdef0123&x=1', 'another', 'apitoken%20[token]'],
  ['The token authentication has expired', 'another', 'The token authentication has expired'],
  ['nothing to hide', '', 'nothing to hide'],
])('%j without %j is %j', (text, token, redacted) => {
  expect(redact(text, token)).toBe(redacted);
});
