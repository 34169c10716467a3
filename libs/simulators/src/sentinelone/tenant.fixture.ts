import { z } from 'zod';
import type { SentinelOneTenant } from './running-tenant.js';
import { startSentinelOneTenant } from './tenant.js';
import type { SentinelOneTenantOptions } from './tenant.js';

/** 20 September 2026, noon. */
export const NOON = Date.UTC(2026, 8, 20, 12);

const envelope = z.object({
  data: z.array(z.record(z.string(), z.unknown())),
  pagination: z.object({ nextCursor: z.string().nullable(), totalItems: z.int() }),
  errors: z.null(),
});
export type Row = z.infer<typeof envelope>['data'][number];
export type Page = z.infer<typeof envelope>;

const running: SentinelOneTenant[] = [];

/** Closes the tenants of the test that ends: `afterEach(closeTenants)`. */
export async function closeTenants(): Promise<void> {
  await Promise.all(running.splice(0).map((tenant) => tenant.close()));
}

/** A tenant without rate limits whose clock stands at NOON; closed by closeTenants. */
export async function tenantWith(options: SentinelOneTenantOptions = {}): Promise<SentinelOneTenant> {
  const tenant = await startSentinelOneTenant({ rateLimits: false, clock: () => NOON, ...options });
  running.push(tenant);
  return tenant;
}

/** A call as a client makes it; `path` is below the API's prefix. */
export function call(tenant: SentinelOneTenant, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${tenant.url}/web/api/v2.1${path}`, {
    headers: { authorization: `ApiToken ${tenant.token}`, ...headers },
  });
}

/** A list call that must succeed. */
export async function page(tenant: SentinelOneTenant, path: string): Promise<Page> {
  const answer = await call(tenant, path);
  const body: unknown = await answer.json();
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(body)}`);
  return envelope.parse(body);
}

/** The ids of a list call. */
export async function idsOf(tenant: SentinelOneTenant, path: string): Promise<string[]> {
  return (await page(tenant, path)).data.map((row) => String(row['id']));
}

/** Follows cursors as a careful client does (unquotes, then encodes once); `between` runs after each page. */
export async function allPages(
  tenant: SentinelOneTenant,
  path: string,
  between: () => void = () => undefined,
): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | null = null;
  do {
    const next = cursor === null ? '' : `&cursor=${encodeURIComponent(decodeURIComponent(cursor))}`;
    const answer: Page = await page(tenant, path + next);
    rows.push(...answer.data);
    cursor = answer.pagination.nextCursor;
    between();
  } while (cursor !== null);
  return rows;
}

/** The one agent with this id as `/agents` shows it, whether it left or not. */
export async function agentRow(tenant: SentinelOneTenant, id: string): Promise<Row> {
  const [row] = (await page(tenant, `/agents?ids=${id}&isDecommissioned=true,false&isUninstalled=true,false`)).data;
  if (row === undefined) throw new Error(`no agent ${id}`);
  return row;
}

/** The first agent of the fleet. */
export function firstId(tenant: SentinelOneTenant): string {
  return tenant.fleet.list()[0]?.id ?? '';
}

const refusal = z.object({
  errors: z
    .array(z.object({ code: z.int(), title: z.string(), detail: z.string().nullable(), params: z.object({}) }))
    .length(1),
});

/** Status and the single error of a refused call. */
export async function refused(
  answer: Response,
): Promise<{ status: number; code: number; title: string; detail: string | null }> {
  const [error] = refusal.parse(await answer.json()).errors;
  if (error === undefined) throw new Error('no error in the envelope');
  return { status: answer.status, code: error.code, title: error.title, detail: error.detail };
}
