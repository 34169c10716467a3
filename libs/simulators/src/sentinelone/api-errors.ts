/** One entry of the console's `errors` envelope. */
export interface ApiErrorBody {
  readonly code: number;
  readonly title: string;
  readonly detail: string | null;
}

/** An answer other than 200 that the API gives by design; thrown where a request is judged, caught where it is answered. */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly body: ApiErrorBody;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: ApiErrorBody, headers: Readonly<Record<string, string>> = {}) {
    super(`${status} ${body.title}`);
    this.name = 'ApiRefusal';
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** 400: `detail` says which parameter and why. */
export function badParameter(detail: string): ApiRefusal {
  return new ApiRefusal(400, { code: 400_010, title: 'Bad parameter given', detail });
}

/** 401: no token, a wrong one, or one that expired. */
export function unauthorised(): ApiRefusal {
  return new ApiRefusal(401, { code: 4010010, title: 'Authentication Failed', detail: null });
}

/** 403: the token is good but its scope or role does not reach this far. */
export function forbidden(detail: string | null): ApiRefusal {
  return new ApiRefusal(403, { code: 4030010, title: 'Insufficient permissions', detail });
}

export function notFound(path: string): ApiRefusal {
  return new ApiRefusal(404, { code: 4040010, title: 'Resource not found', detail: path });
}

/** 429; `retryAfter` is the header's text: whole seconds or a date. */
export function tooManyRequests(retryAfter: string | null): ApiRefusal {
  const headers = retryAfter === null ? {} : { 'retry-after': retryAfter };
  return new ApiRefusal(429, { code: 4290010, title: 'Too many requests', detail: 'Rate limit exceeded' }, headers);
}

/** 5xx. */
export function serverFailure(status: number, retryAfterSeconds: number | null): ApiRefusal {
  const titles: Record<number, string> = {
    500: 'Internal server error',
    502: 'Bad gateway',
    503: 'Service unavailable',
    504: 'Gateway timeout',
  };
  const headers = retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) };
  return new ApiRefusal(
    status,
    { code: status * 10_000 + 10, title: titles[status] ?? 'Server error', detail: null },
    headers,
  );
}

/** The body of a refusal: `{"errors":[{code, title, detail, params}]}`. */
export function refusalJson(refusal: ApiRefusal): string {
  return JSON.stringify({ errors: [{ ...refusal.body, params: {} }] });
}
