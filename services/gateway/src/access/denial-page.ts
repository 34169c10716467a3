import type { Denial, Reason } from '@stance/contracts';
import { PAGE_STYLE } from './denial-page-style.js';
import {
  attributeInWords,
  expectedInWords,
  kindOf,
  messageInWords,
  valueInWords,
  wordsOf,
  type PageKind,
  type PageWords,
} from './denial-page-words.js';

/** Longer texts from outside are cut: a page is no place for them. */
const MAX_TEXT = 2_000;
/** Further reasons are counted; `stance explain` has them all. */
const MAX_REASONS = 20;

/**
 * A page for the person who was not let in, or not for long: what failed, what to do, and the id by which help can look it
 * up. It works without scripts and loads nothing; whatever comes from outside is escaped.
 */
export function denialPage(denial: Denial): string {
  const kind = kindOf(denial);
  const words = wordsOf(kind);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${words.label}: ${words.title}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main class="${kind}" aria-labelledby="title">
<article class="sheet">
${introduction(denial, words)}
${reasonList(denial.reasons, words)}
${nextSteps(words)}
${reference(denial, kind)}
</article>
<footer>This page was made by the gateway in front of what you wanted to reach. It runs no scripts and loads nothing.</footer>
</main>
</body>
</html>
`;
}

function introduction({ resource, until }: Denial, { label, title, summary }: PageWords): string {
  const what = resource === undefined ? '' : `<p>You wanted to reach: <strong>${outside(resource)}</strong></p>`;
  const deadline = until === undefined ? '' : `<p>Access ends: <strong>${timeOf(until)}</strong></p>`;
  return `<header>
<p class="kind">${label}</p>
<h1 id="title">${title}</h1>
<p>${summary}</p>
${what}${deadline}
</header>`;
}

function reasonList(reasons: readonly Reason[], { why }: PageWords): string {
  const items = reasons.slice(0, MAX_REASONS).map((reason) => `<li>${reasonItem(reason)}</li>`);
  const more = reasons.length - items.length;
  return `<section aria-labelledby="why">
<h2 id="why">${why}</h2>
<ul class="checks" role="list">
${items.join('\n')}
</ul>${more > 0 ? `\n<p class="quiet">And ${more} more.</p>` : ''}
</section>`;
}

function reasonItem(reason: Reason): string {
  return `<p class="message">${outside(messageInWords(reason))}</p>${checkDetails(reason)}`;
}

/** What was looked at, what was found and wanted, and since when that is known. */
function checkDetails({ code, attribute, actual, expected, reportedAt, observedAt }: Reason): string {
  if (attribute === undefined) return '';
  const since = reportedAt ?? observedAt;
  // A deny rule says what must not be.
  const wanted = code === 'deny-rule' ? 'Not allowed' : 'Wanted';
  return descriptions([
    ['Check', `${outside(attributeInWords(attribute))} <code class="quiet">${outside(attribute)}</code>`],
    ['Found', outside(valueInWords(actual))],
    [wanted, expected === undefined ? undefined : outside(expectedInWords(expected))],
    ['Known since', since === undefined ? undefined : timeOf(since)],
  ]);
}

function nextSteps({ steps }: PageWords): string {
  return `<section aria-labelledby="next">
<h2 id="next">What to do now</h2>
<ol>
${steps.map((step) => `<li>${step}</li>`).join('\n')}
</ol>
</section>`;
}

function reference({ denialId, gateway, deniedAt, deviceId, user }: Denial, kind: PageKind): string {
  const name = kind === 'warned' ? 'warning' : 'denial';
  return `<section aria-labelledby="reference">
<h2 id="reference">Reference for IT</h2>
<p>Give this id to IT. They see with it what was checked, by <code>stance explain</code>:</p>
<code class="id">${outside(denialId)}</code>
${descriptions([
  [`First ${name}`, timeOf(deniedAt)],
  ['Gateway', outside(gateway)],
  ['Device', deviceId === undefined ? undefined : outside(deviceId)],
  ['User', user === undefined ? undefined : outside(user)],
])}
</section>`;
}

function descriptions(entries: readonly (readonly [term: string, html: string | undefined])[]): string {
  const rows = entries.flatMap(([term, html]) => (html === undefined ? [] : [`<dt>${term}</dt><dd>${html}</dd>`]));
  return `<dl>${rows.join('')}</dl>`;
}

const TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'medium', timeZone: 'UTC' });

/** Times are of sources too: one that cannot be read is shown as it came. */
function timeOf(timestamp: string): string {
  const at = Date.parse(timestamp);
  if (Number.isNaN(at)) return outside(timestamp);
  return `<time datetime="${outside(timestamp)}">${TIME.format(at)} UTC</time>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text from outside as HTML: markup is text, control characters and marks that reverse the direction of writing are `�`. */
function outside(text: string): string {
  return text
    .slice(0, MAX_TEXT)
    .replaceAll(/(?![\n\t])[\p{Cc}\p{Cs}\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '\uFFFD')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
