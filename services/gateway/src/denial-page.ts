import type { Reason } from '@stance/contracts';

/** A page for the person who was denied: what failed, and the id by which help can look it up. No scripts, nothing external. */
export function denialPage({
  denialId,
  reasons,
}: {
  denialId: string | undefined;
  reasons: readonly Reason[];
}): string {
  const items = reasons.map((reason) => `<li>${escapeHtml(reason.message)}${details(reason)}</li>`).join('');
  const reference =
    denialId === undefined ? '' : `<p>If you need help, give this number: <code>${escapeHtml(denialId)}</code></p>`;
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Access denied</title>' +
    '<meta name="viewport" content="width=device-width, initial-scale=1">' +
    '<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}' +
    'small{color:#555;display:block}</style></head>' +
    `<body><h1>Access denied</h1><p>This device may not reach this resource now.</p><ul>${items}</ul>${reference}</body></html>`
  );
}

function details({ attribute, expected, actual }: Reason): string {
  if (attribute === undefined) return '';
  const wanted = expected === undefined ? '' : ` must be ${expected}`;
  const found = actual === undefined ? '' : `, is ${JSON.stringify(actual)}`;
  return `<small>${escapeHtml(`${attribute}${wanted}${found}`)}</small>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
