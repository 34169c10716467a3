/**
 * Takes policy documents as messages and answers what becomes of each: its errors, or what its own tests say. Runs as a
 * worker thread, so that it can be given little memory and be ended; the sources are transformed as Jest does it.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parentPort } from 'node:worker_threads';
import { transformSync } from '@swc/core';

registerHooks({
  resolve(specifier, context, next) {
    const isSource = specifier.startsWith('.') && context.parentURL?.endsWith('.ts') === true;
    return next(isSource ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
  load(url, context, next) {
    if (!url.endsWith('.ts')) return next(url, context);
    const { code } = transformSync(readFileSync(fileURLToPath(url), 'utf8'), {
      swcrc: false,
      jsc: { parser: { syntax: 'typescript', decorators: true }, target: 'es2023' },
      module: { type: 'es6' },
    });
    return { format: 'module', source: code, shortCircuit: true };
  },
});

const { compilePolicy, parsePolicy, runPolicyTests } = await import('../index.ts');

parentPort?.on('message', (text) => parentPort?.postMessage(outcomeOf(text), []));

function outcomeOf(text) {
  const parsed = parsePolicy(text);
  if (!parsed.ok) return { errors: parsed.errors };
  const tests = runPolicyTests(compilePolicy(parsed.policy), Date.parse('2026-11-21T12:00:00Z'));
  return { errors: [], passed: tests.filter(({ passed }) => passed).length };
}
