import { isRecord } from '../fuzz/plan.ts';

/** An unparsed answer. */
export interface RawAnswer {
  status: number;
  type: string | null;
  text: string;
}

const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|\s+/g;
/** The beginning of a list whose first item is a text. */
const CURSOR = /^"WyJ[\w-]+"$/;

/**
 * Returns the difference between two answers to one query; undefined if they are equal. White space, the order
 * of errors and the spelling of numbers do not matter, digits and the order of names do.
 */
export function differenceOf(left: RawAnswer, right: RawAnswer): string | undefined {
  const [a, b] = [read(left), read(right)];
  for (const part of ['head', 'data'] as const) {
    if (a[part] !== b[part]) return shown(part, a[part], b[part]);
  }
  for (const place of new Set([...a.errors.keys(), ...b.errors.keys()])) {
    const [ours = [], theirs = []] = [a.errors.get(place), b.errors.get(place)];
    const isOne = ours.length === 1 && theirs.length === 1;
    // If several fields below one null fail, the later errors may be missing.
    const isAlike = isOne ? ours[0] === theirs[0] : ours.some((each) => theirs.includes(each));
    if (!isAlike) return shown(`errors at ${place}`, ours.join(), theirs.join());
  }
  return undefined;
}

interface ReadAnswer {
  /** Everything except errors and data. */
  head: string;
  data: string;
  /** By the path of the null that they caused. */
  errors: Map<string, string[]>;
}

function read({ status, type, text }: RawAnswer): ReadAnswer {
  const { data, errors = [], ...others } = parsed(text);
  const byPlace = new Map<string, string[]>();
  for (const error of errors as { path?: string[] }[]) {
    const place = nullIn(data, error.path ?? []);
    byPlace.set(place, [...(byPlace.get(place) ?? []), JSON.stringify(error)]);
  }
  return {
    head: JSON.stringify([status, type, others]),
    data: String(JSON.stringify(data)),
    errors: byPlace,
  };
}

/** A body that is no JSON is a member of its own. */
function parsed(text: string) {
  try {
    return JSON.parse(text.replace(TOKENS, written), unsealed);
  } catch {
    return { broken: text };
  }
}

/** The part of a path that leads to the first null; numbers in it are texts. */
function nullIn(data: unknown, path: readonly string[]): string {
  let at = data;
  let depth = 0;
  for (; depth < path.length && at !== null && at !== undefined; depth += 1) {
    const step = path[depth] ?? '';
    if (Array.isArray(at)) at = at[Number(step.slice(1))];
    else at = isRecord(at) ? at[step] : undefined;
  }
  return path.slice(0, depth).join('.');
}

function shown(part: string, left: string, right: string): string {
  const at = [...left].findIndex((letter, n) => letter !== right[n]);
  const near = (text: string) => text.slice(Math.max(0, at - 150), Math.max(0, at) + 150);
  return `${part}\n  compiled: ${near(left)}\n  executed: ${near(right)}`;
}

/** Sealed cursors and request ids differ each time. */
function unsealed(name: string, value: unknown): unknown {
  return /^sealed\d|^requestId$/.test(name) ? 'sealed' : value;
}

/** Numbers as texts, since JavaScript would drop digits; cursors decoded. */
function written(token: string): string {
  if (CURSOR.test(token)) {
    const said = Buffer.from(token.slice(1, -1), 'base64url').toString();
    return JSON.stringify(said.replace(TOKENS, written));
  }
  if (token.startsWith('"')) return token;
  return token.trim() === '' ? '' : JSON.stringify(`#${plainNumber(token)}`);
}

/** The same notation for 1e+20 and 100000000000000000000; but 1.10 is not 1.1. */
function plainNumber(text: string): string {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text) ?? [];
  let digits = (whole + fraction).replace(/^0+(?=\d)/, '');
  let places = Number(exponent) - fraction.length;
  while (places >= 0 && digits.length > 1 && digits.endsWith('0')) {
    digits = digits.slice(0, -1);
    places += 1;
  }
  return `${sign}${digits}e${places}`;
}
