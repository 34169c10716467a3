/** Names by which some proxy or another, or Stance itself, knows a client certificate. */
export const CERTIFICATE_HEADERS = [
  'X-SSL-Client-Cert',
  'X-Forwarded-Client-Cert',
  'X-Forwarded-Tls-Client-Cert',
  'X_SSL_Client_Cert',
  'X-SSL_Client-Cert',
];

/** The ways to write a header with three words in it that CGI and WSGI take for one and the same. */
const SEPARATORS = [
  ['-', '-'],
  ['_', '_'],
  ['-', '_'],
  ['_', '-'],
] as const;

/** A client that says of itself what only Stance may say, in each way to write it. */
export const CLAIMS = SEPARATORS.map(([first, second]) =>
  spelled(`X${first}Stance${second}`, {
    Device: 'forged',
    User: 'forged@example.com',
    Decision: 'allow; by=forged',
    Warning: 'forged',
  }),
);

/** A client that says where its request comes from and what a proxy before knew of it, in each way to write it. */
export const ORIGINS = [
  {
    ...spelled('X-Forwarded-', {
      For: '198.51.100.66',
      Proto: 'http',
      Host: 'forged.example.com',
      Port: '80',
      Prefix: '/forged',
      Server: 'forged',
      User: 'forged@example.com',
      Email: 'forged@example.com',
      Groups: 'forged',
      'Preferred-Username': 'forged',
    }),
    'X-Real-IP': '198.51.100.66',
    Forwarded: 'for=198.51.100.66;host=forged.example.com;proto=http',
  },
  ...SEPARATORS.slice(1).map(([first, second]) => ({
    ...spelled(`X${first}Forwarded${second}`, { For: '198.51.100.66', Proto: 'http', Host: 'forged.example.com' }),
    [`X${first}Real${second}IP`]: '198.51.100.66',
  })),
];

function spelled(prefix: string, words: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(words).map(([word, value]) => [prefix + word, value]));
}

/** A client that names the proxy's headers as its own, so that they are left out on the way. */
export const STRIPPING =
  'close, X-Stance-Device, X-SSL-Client-Cert, X-Forwarded-Client-Cert, X-Forwarded-Tls-Client-Cert';

/** The same with what the proxy says of where a request comes from. */
export const STRIPPING_ORIGINS = 'close, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Real-IP';

/** Ways to another resource than the one that the configuration names. */
export const PATH_TRICKS = [
  '/authorize/payroll',
  '/../authorize/payroll',
  '/../payroll',
  '/%2e%2e/payroll',
  '/..%2fpayroll',
  '/%252e%252e%252fpayroll',
  '//authorize/payroll',
  '/wiki/../../payroll',
  '/;/payroll',
  '/%2Fauthorize%2Fpayroll',
  '/?resource=payroll',
  '/payroll%00',
  '/live/../payroll',
  '/live/..%2fpayroll',
  '/.stance/authorize',
  'https://payroll.example.com/',
  '/denied/',
];

export const HEADER_TRICKS: readonly Readonly<Record<string, string>>[] = [
  { 'X-Stance-Resource': 'payroll' },
  { 'X-Original-URI': '/authorize/payroll' },
  { 'X-Original-URL': '/authorize/payroll', 'X-Rewrite-URL': '/authorize/payroll' },
  { 'X-Forwarded-Uri': '/authorize/payroll', 'X-Forwarded-Host': 'payroll.example.com' },
  { 'X-Forwarded-Prefix': '/authorize/payroll' },
  { 'X-Envoy-Original-Path': '/authorize/payroll' },
  { 'X-HTTP-Method-Override': 'OPTIONS' },
];

/** Methods that a proxy could let through without asking. */
export const METHODS = ['OPTIONS', 'HEAD', 'POST', 'PUT', 'TRACE', 'PROPFIND'];
