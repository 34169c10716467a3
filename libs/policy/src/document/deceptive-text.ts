/** A character or word that deceives, and how many characters into the text it is. */
export interface Deception {
  readonly message: string;
  readonly offset: number;
}

/**
 * What leaves no trace on a screen or turns the order of what does: controls, formats, bidirectional marks, zero-width
 * characters, fillers, private and unassigned ones, halves of pairs; and blanks other than the plain one.
 */
const HIDDEN = /[[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]--[ ]]/v;
/** The same in a condition, whose lines may be folded. */
const HIDDEN_IN_CONDITION = /[[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]--[ \t\r\n]]/v;
/** What asks for a picture in colour changes nothing that could be mistaken. */
const COLOURED = /(?<=\p{Extended_Pictographic})\uFE0F/gu;

/** The first character of a name that cannot be seen. */
export const hiddenIn = (name: string): Deception | undefined => firstMatch(HIDDEN, name);

/** The first character of a condition that cannot be seen. */
export const hiddenInCondition = (text: string): Deception | undefined => firstMatch(HIDDEN_IN_CONDITION, text);

const PLAIN = /^[\x20-\x7e]*$/;

function firstMatch(pattern: RegExp, text: string): Deception | undefined {
  if (PLAIN.test(text)) return undefined;
  const match = pattern.exec(text.replace(COLOURED, ' '));
  const code = match?.[0].codePointAt(0);
  if (match === null || code === undefined) return undefined;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  const kind = /\p{Zs}/u.test(match[0]) ? 'is no plain space; write one' : 'cannot be seen; take it out';
  return { message: `the character ${name} in here ${kind}`, offset: match.index };
}

const ASIAN = ['Latin', 'Han', 'Hiragana', 'Katakana', 'Bopomofo', 'Hangul'];
/** The other scripts that are in use (Unicode Standard Annex 31, tables 5 and 7). */
const OTHERS = (
  'Arabic Armenian Bengali Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Hebrew Kannada Khmer Lao ' +
  'Malayalam Myanmar Oriya Sinhala Tamil Telugu Thaana Thai Tibetan Adlam Balinese Bamum Batak Canadian_Aboriginal ' +
  'Chakma Cham Cherokee Hanifi_Rohingya Javanese Kayah_Li Lepcha Limbu Lisu Mandaic Meetei_Mayek Miao Mongolian ' +
  'New_Tai_Lue Newa Nko Nyiakeng_Puachue_Hmong Ol_Chiki Osage Saurashtra Sundanese Syloti_Nagri Syriac Tai_Le Tai_Tham ' +
  'Tai_Viet Tifinagh Vai Wancho Yi'
).split(' ');

/** Scripts that one word may have together: the level that Unicode Technical Standard 39, section 5.2, calls highly restrictive. */
const TOGETHER = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
  ...OTHERS.map((script) => [script]),
];

/** Digits, marks and signs go with every script. */
const WORDS = TOGETHER.map((scripts) => {
  const letters = scripts.map((script) => `\\p{Script_Extensions=${script}}`).join('');
  return new RegExp(`^[${letters}\\p{Script=Common}\\p{Script=Inherited}]*$`, 'u');
});
const LETTERS = [...ASIAN, ...OTHERS].map((script) => ({
  name: script.replaceAll('_', ' '),
  pattern: new RegExp(`\\p{Script=${script}}`, 'u'),
}));
const WORD = /[\p{L}\p{M}\p{N}]+/gu;

/** The first word with letters of scripts that are not written together. */
export function mixedScriptsIn(name: string): Deception | undefined {
  if (PLAIN.test(name)) return undefined;
  for (const { 0: word, index } of name.matchAll(WORD)) {
    if (WORDS.some((pattern) => pattern.test(word))) continue;
    const scripts = LETTERS.filter(({ pattern }) => pattern.test(word)).map((script) => script.name);
    const which = scripts.length > 1 ? scripts.join(' and ') : 'scripts that are not in use together';
    return { message: `the word ${word.slice(0, 100)} has letters of ${which}; write it in one script`, offset: index };
  }
  return undefined;
}
