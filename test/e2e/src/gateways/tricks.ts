/** Names by which some proxy or another, or Stance itself, knows a client certificate. */
export const CERTIFICATE_HEADERS = [
  'X-SSL-Client-Cert',
  'X-Forwarded-Client-Cert',
  'X-Forwarded-Tls-Client-Cert',
  'X_SSL_Client_Cert',
];

/** A client that says of itself who it is. */
export const CLAIMS = {
  'X-Stance-Device': 'somebody',
  'X-Stance-User': 'boss@example.com',
  'X-Stance-Decision': 'allow',
  X_Stance_Device: 'somebody',
};

/** A client that names the proxy's headers as its own, so that they are left out on the way. */
export const STRIPPING =
  'close, X-Stance-Device, X-SSL-Client-Cert, X-Forwarded-Client-Cert, X-Forwarded-Tls-Client-Cert';

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
