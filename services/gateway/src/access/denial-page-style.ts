import { createHash } from 'node:crypto';

/** Light and dark as the reader's system is; every text has a contrast of 4.5:1 at least (WCAG 2.2, AA) in both. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--ground:#f4f5f7;--sheet:#fff;--line:#d7dbe0;--text:#1b1f24;--quiet:#55606d;--accent:#a3161f;--tint:#fdf1f1}
.warned,.unsure{--accent:#7a4b00;--tint:#fdf6e7}
@media (prefers-color-scheme:dark){
:root{--ground:#14171a;--sheet:#1d2125;--line:#3a4148;--text:#eceff2;--quiet:#aab4bf;--accent:#ff9a9a;--tint:#33201f}
.warned,.unsure{--accent:#f0c36d;--tint:#2f2718}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
main{max-width:44rem;margin:0 auto;padding:clamp(1rem,6vh,4rem) 1rem 3rem}
.sheet{background:var(--sheet);border:1px solid var(--line);border-top:.375rem solid var(--accent);border-radius:.75rem;padding:clamp(1.25rem,5vw,2.5rem)}
.kind{margin:0 0 .25rem;color:var(--accent);font-weight:600}
h1{margin:0 0 .75rem;font-size:clamp(1.5rem,4.5vw,2rem);line-height:1.2;text-wrap:balance}
h2{margin:2rem 0 .75rem;font-size:1.125rem}
p{margin:0 0 .75rem}
ul,ol{margin:0;padding:0 0 0 1.25rem}
.checks{list-style:none;padding:0}
.checks>li{border-left:.25rem solid var(--accent);background:var(--tint);border-radius:.25rem;padding:.875rem 1rem;margin:0 0 .75rem}
.message{font-size:1.0625rem;font-weight:600;margin:0}
dl{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.25rem 1rem;margin:.75rem 0 0}
dt{color:var(--quiet)}
dd{margin:0}
code{font:.9375em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.quiet{color:var(--quiet)}
.id{display:block;margin:.25rem 0 .75rem;padding:.75rem 1rem;border:1px dashed var(--line);border-radius:.375rem;font-size:1.0625rem;user-select:all}
footer{color:var(--quiet);font-size:.875rem;padding:1rem .25rem 0}
@media (max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 .5rem}}
@media (forced-colors:active){.checks>li{border:1px solid}}
@media print{body{background:none}.sheet{border:0;padding:0}}
`;

/** The only style that the page may have, for its content security policy. */
export const PAGE_STYLE_SOURCE = `'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'`;
