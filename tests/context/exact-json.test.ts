import { describe, expect, it } from 'vitest';
import {
  isDouble,
  isHeld,
  markNumbers,
  parseClientJson,
  printJson,
  UnheldNumber,
} from '../../src/context/exact-json.ts';

/** Random numbers that are the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const random = randomFrom(14);
const below = (n: number) => Math.floor(random() * n);
const digits = (n: number) => Array.from({ length: n }, () => below(10)).join('');

/** A random JSON number of any length. */
function number(): string {
  const whole = below(3) === 0 ? '0' : `${1 + below(9)}${digits(below(25))}`;
  const fraction = below(2) === 0 ? `.${digits(1 + below(22))}` : '';
  const exponent = below(6) === 0 ? `e${['', '+', '-'][below(3)]}${below(400)}` : '';
  return `${below(4) === 0 ? '-' : ''}${whole}${fraction}${exponent}`;
}

function string(): string {
  const parts = [
    '"',
    '\\',
    number(),
    ' 1.10',
    ':12345678901234567890,',
    '[',
    '}',
    'é😀',
    '\u0001',
    '',
  ];
  return JSON.stringify(
    Array.from({ length: below(5) }, () => parts[below(parts.length)]).join(''),
  );
}

/** A random JSON text with many numbers, and with strings that look like numbers. */
function text(depth = 0): string {
  switch (below(depth > 3 ? 3 : 6)) {
    case 0:
    case 1:
      return number();
    case 2:
      return string();
    case 3:
      return ['true', 'false', 'null'][below(3)] as string;
    case 4:
      return `[${Array.from({ length: below(5) }, () => text(depth + 1)).join(',')}]`;
    default: {
      const members = Array.from({ length: below(5) }, (_, i) => `"k${i}":${text(depth + 1)}`);
      return `{${[...members, `"__proto__":${text(depth + 1)}`].join(',')}}`;
    }
  }
}

/** The text with its strings escaped as `JSON.stringify` does, so that texts can be compared. */
const normal = (json: string) =>
  json.replace(/"(?:[^"\\]|\\.)*"/g, (found) => JSON.stringify(JSON.parse(found)));

/** The value of a decimal number: its digits, and how many of them are after the point. */
function decimalOf(written: string): [bigint, number] {
  const [, sign, whole, fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(written) ?? [];
  return [BigInt(`${whole}${fraction}`) * (sign ? -1n : 1n), fraction.length - Number(exponent)];
}

function isSameValue(one: string, other: string): boolean {
  const [[a, m], [b, n]] = [decimalOf(one), decimalOf(other)];
  const places = Math.max(m, n);
  return a * 10n ** BigInt(places - m) === b * 10n ** BigInt(places - n);
}

describe('JSON from the database', () => {
  it('is printed with the same digits as in the database', () => {
    for (let i = 0; i < 3_000; i += 1) {
      const json = normal(text());
      expect(printJson(JSON.parse(markNumbers(json)))).toBe(json);
    }
  });

  it('is not changed when JavaScript prints the same digits', () => {
    const json = '{"a":[0,-1,1.5,1e+21,"1.10",9007199254740991,0.000001],"b":null}';
    expect(markNumbers(json)).toBe(json);
  });
});

describe('a number from a client', () => {
  it('is read as a number only if a double has exactly that value', () => {
    const counts = { held: 0, refused: 0 };
    for (let i = 0; i < 5_000; i += 1) {
      const written = number();
      const [value] = parseClientJson(`[${written}]`) as [number | UnheldNumber];
      if (value instanceof UnheldNumber) {
        counts.refused += 1;
        expect(value.digits).toBe(written);
      } else {
        counts.held += 1;
        expect(isSameValue(String(value), written), written).toBe(true);
      }
    }
    expect(Math.min(counts.held, counts.refused)).toBeGreaterThan(500);
  });

  it('is accepted as JavaScript prints it, except for integers that are rounded', () => {
    for (let i = 0; i < 2_000; i += 1) {
      const double = (random() - 0.5) * 10 ** (below(60) - 30);
      expect(isDouble(String(double)), String(double)).toBe(true);
      expect(isHeld(String(double)), String(double)).toBe(
        !Number.isInteger(double) ||
          Number.isSafeInteger(double) ||
          String(double).includes('e') ||
          BigInt(String(double)) === BigInt(double),
      );
    }
  });

  it('is a valid Float with up to 17 digits, as other languages print doubles', () => {
    for (let i = 0; i < 2_000; i += 1) {
      const double = (random() - 0.5) * 10 ** (below(60) - 30);
      for (const precision of [15, 16, 17]) {
        expect(isDouble(double.toPrecision(precision))).toBe(true);
      }
      const [, exponent = 0] = /e(.+)$/.exec(double.toExponential()) ?? [];
      expect(isDouble(`1.00000000000000000${1 + below(9)}e${exponent}`)).toBe(false);
    }
  });

  it.each([
    '9007199254740993',
    '12345678901234567890',
    '12345678901234567000',
    '750727362669609000',
    '1e999',
    '-1e400',
    '1e-400',
    '0.1000000000000000055',
    '0.12345678901234567',
    '1.2345678901e-320',
  ])('%s does not fit a double', (written) => {
    expect(isHeld(written)).toBe(false);
  });

  it.each([
    '9007199254740994',
    '1e22',
    '6.02214076e23',
    '0.30000000000000004',
    '1.10',
    '-0',
    '5e-324',
  ])('%s fits a double', (written) => {
    expect(isHeld(written)).toBe(true);
  });

  it('is found at any depth, and strings are not changed', () => {
    const json = '{"a":["12345678901234567890",{"__proto__":12345678901234567890}],"b":"\\"1e999"}';
    const value = parseClientJson(json) as { a: [string, object]; b: string };
    expect(Object.entries(value.a[1])).toEqual([
      ['__proto__', new UnheldNumber('12345678901234567890')],
    ]);
    expect([value.a[0], value.b]).toEqual(['12345678901234567890', '"1e999']);
  });
});
