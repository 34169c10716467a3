// @ts-check

/** Licences, by their SPDX names, that a product under Apache-2.0 may be delivered with: none asks for anything but its own text. */
const ALLOWED_LICENCES = Object.freeze([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Unlicense',
]);

/**
 * Whether a package may be delivered: an SPDX expression of which a choice is allowed.
 *
 * @param {string | undefined} expression such as `(MIT OR GPL-3.0)`
 */
export function isAllowed(expression = '') {
  const plain = expression.replace(/[()]/g, ' ').trim();
  // What mixes both needs a reader.
  if (plain.includes(' AND ') && plain.includes(' OR ')) return false;
  const isListed = (/** @type {string} */ name) => ALLOWED_LICENCES.includes(name.trim());
  return plain.includes(' OR ') ? plain.split(' OR ').some(isListed) : plain.split(' AND ').every(isListed);
}
