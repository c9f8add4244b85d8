/** What a text is searched by, as the function gateway.search reads it. */
export interface Words {
  /** Found only as they are. */
  whole: readonly string[];
  /** Found at the beginning of a word, too. */
  beginnings: readonly string[];
  /** Whether words that resemble them were found. */
  mayBeMisspelt: boolean;
}

/** A part of a text: some of its words, or what is between them. */
export interface Part {
  text: string;
  isMatch: boolean;
}

// Chinese and Japanese are written without spaces: each character is a word.
const CHARACTER = /[\u3041-\u30ff\u3400-\u9fff]/;
const WORD =
  /[\u3041-\u30ff\u3400-\u9fff]|(?:(?![\u3041-\u30ff\u3400-\u9fff])[\p{L}\p{N}\p{M}])+/gu;

/** Letters that are more than another one with an accent. */
const LIKE: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ı: 'i',
};

/** Returns the words that a text is searched by; none where there is nothing to search by. */
export function readWords(text: string): Words {
  const words = (text.match(WORD) ?? []).map(plain);
  const isLong = (word: string) => word.length > 1 && !CHARACTER.test(word);
  const beginnings = words.filter(isLong);
  const characters = words.filter((word) => CHARACTER.test(word));
  // A letter alone is the beginning of too much, and beside other words it is looked for as it is.
  const whole =
    beginnings.length > 0 || characters.length > 0 ? words.filter((word) => !isLong(word)) : [];
  return { whole, beginnings, mayBeMisspelt: false };
}

const WINDOW = 200;
const LEAD = 60;

/**
 * Returns a text of at most about 200 characters around the first of these words, in parts; `…` stands
 * for what is left out.
 */
export function partsAround(text: string, words: Words): Part[] {
  const found = [...text.matchAll(WORD)];
  const matches = found.filter(([word]) => isMatch(plain(word), words));
  const first = matches[0]?.index ?? 0;
  const from = text.length > WINDOW && first > LEAD ? startOfWord(found, first - LEAD) : 0;
  const to = text.length > from + WINDOW ? startOfWord(found, from + WINDOW) : text.length;
  const parts: Part[] = [];
  const add = (start: number, end: number, isMatch: boolean) => {
    const last = parts.at(-1);
    if (start === end) return;
    if (last?.isMatch === isMatch) last.text += text.slice(start, end);
    else parts.push({ text: text.slice(start, end), isMatch });
  };
  if (from > 0) parts.push({ text: '…', isMatch: false });
  let at = from;
  for (const { 0: word, index } of matches) {
    if (index < from || index + word.length > to) continue;
    add(at, index, false);
    add(index, index + word.length, true);
    at = index + word.length;
  }
  add(at, to, false);
  if (to < text.length) parts.push({ text: '…', isMatch: false });
  return parts;
}

/** The beginning of the last word up to there; there, if a single word is longer than all of it. */
function startOfWord(found: readonly RegExpExecArray[], position: number): number {
  const word = found.findLast(({ index }) => index <= position);
  return word && word.index > position - LEAD ? word.index : position;
}

function isMatch(word: string, { whole, beginnings, mayBeMisspelt }: Words): boolean {
  return (
    whole.includes(word) ||
    beginnings.some(
      (beginning) =>
        word.startsWith(beginning) || (mayBeMisspelt && isMisspelling(beginning, word)),
    )
  );
}

/** In small letters, without accents. */
function plain(word: string): string {
  return word
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[ßæœøłđı]/g, (letter) => LIKE[letter] ?? letter);
}

/** Whether a word resembles another one as gateway.search requires it of titles. */
function isMisspelling(written: string, word: string): boolean {
  if (written.length < 4) return false;
  const [one, other] = [trigramsOf(written), trigramsOf(word)];
  const shared = [...one].filter((trigram) => other.has(trigram)).length;
  const likeness = shared / (one.size + other.size - shared);
  return likeness >= Math.max(0.19, (written.length - 3.5) / (written.length + 5));
}

function trigramsOf(word: string): Set<string> {
  const padded = `  ${word} `;
  return new Set([...padded].slice(2).map((_, n) => padded.slice(n, n + 3)));
}
