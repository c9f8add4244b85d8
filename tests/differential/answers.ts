/** An answer as it came. */
export interface RawAnswer {
  status: number;
  type: string | null;
  text: string;
}

const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|\s+/g;

/**
 * Returns how two answers to one query differ; undefined if they say the same. White space, the order
 * of errors and the spelling of numbers do not matter, digits and the order of names do.
 */
export function differenceOf(left: RawAnswer, right: RawAnswer): string | undefined {
  const parts = [left, right].map(comparable) as [Comparable, Comparable];
  for (const part of ['status', 'type', 'errors', 'data'] as const) {
    const [a, b] = [parts[0][part], parts[1][part]];
    if (a === b) continue;
    const at = [...a].findIndex((letter, n) => letter !== b[n]);
    const near = (text: string) => text.slice(Math.max(0, at - 150), at + 150);
    return `${part}\n  compiled: ${near(a)}\n  executed: ${near(b)}`;
  }
  return undefined;
}

type Comparable = Record<'status' | 'type' | 'errors' | 'data', string>;

function comparable({ status, type, text }: RawAnswer): Comparable {
  const { data, errors, ...others } = JSON.parse(text.replace(TOKENS, written), unsealed);
  const sorted = (errors as object[] | undefined)?.map((each) => JSON.stringify(each)).sort();
  return {
    status: String(status),
    type: String(type),
    errors: JSON.stringify([sorted, others]),
    data: String(JSON.stringify(data)),
  };
}

/** Sealed cursors are others each time. */
function unsealed(name: string, value: unknown): unknown {
  return /^sealed\d/.test(name) ? 'sealed' : value;
}

/** Numbers as texts, since JavaScript would take digits from them. */
function written(token: string): string {
  if (token.startsWith('"')) return token;
  return token.trim() === '' ? '' : JSON.stringify(`#${plainNumber(token)}`);
}

/** One spelling for 1e+20 and 100000000000000000000; but 1.10 is not 1.1. */
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
