/**
 * Two texts that a reader could take for each other have a look in common: the same letters in another case, or letters of
 * the same shape.
 */
export function looksOf(name: string): readonly string[] {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
  return [
    `case ${plain.toUpperCase().toLowerCase()}`,
    `shape ${plain.replace(ALIKE, (letter) => SHAPES.get(letter) ?? letter)}`,
  ];
}

/**
 * Letters and digits that look like a Latin letter, from `confusables.txt` of Unicode Technical Standard 39, version 16:
 * those of Latin itself, Cyrillic, Greek and Armenian. What is only another width or style is left to normalization.
 */
const LIKE_LATIN: Readonly<Record<string, string>> = {
  a: 'аɑα',
  b: 'Ьƅ',
  c: 'сϲ',
  d: 'ԁ',
  e: 'еҽ',
  g: 'ɡց',
  h: 'һհ',
  i: 'іɩıι',
  j: 'јϳյ',
  l: '1I|ІӀӏΙǀ',
  n: 'ոռ',
  o: 'оοσօ',
  p: 'рρ',
  q: 'ԛզ',
  r: 'г',
  s: 'ѕ',
  u: 'υսʋ',
  v: 'ѵν',
  w: 'ԝѡա',
  x: 'х',
  y: 'уүγ',
  z: 'ᴢ',
  A: 'АΑ',
  B: 'ВΒ',
  C: 'СϹ',
  E: 'ЕΕ',
  G: 'Ԍ',
  H: 'НΗ',
  J: 'ЈͿ',
  K: 'КΚ',
  M: 'МΜ',
  N: 'Ν',
  O: '0ОΟՕ',
  P: 'РΡ',
  S: 'ЅՏ',
  T: 'ТΤ',
  U: 'Ս',
  V: 'Ѵ',
  W: 'Ԝ',
  X: 'ХΧ',
  Y: 'УҮΥ',
  Z: 'Ζ',
};

const SHAPES: ReadonlyMap<string, string> = new Map(
  Object.entries(LIKE_LATIN).flatMap(([latin, others]) => [...others].map((other) => [other, latin] as const)),
);
const ALIKE = new RegExp(`[${[...SHAPES.keys()].join('').replace('|', '\\|')}]`, 'gu');
