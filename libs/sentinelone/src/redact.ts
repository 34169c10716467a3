const MASK = '[token]';
/** What may follow the scheme word of an Authorization header, wherever it is echoed. */
const AUTHORIZATION = /\b(ApiToken|Bearer|Token)(\s+|%20|\+)[^\s"',;}]{20,}/gi;

/**
 * Takes an API token out of a text that came from outside, such as an error page echoing the request, also when it was
 * percent-encoded or quoted as JSON. Redact before cutting a text short: half a token would no longer be recognised.
 */
export function redact(text: string, token: string): string {
  const forms = [token, encodeURIComponent(token), JSON.stringify(token).slice(1, -1)];
  const masked = forms.reduce((rest, form) => (form === '' ? rest : rest.replaceAll(form, MASK)), text);
  return masked.replace(AUTHORIZATION, `$1$2${MASK}`);
}
