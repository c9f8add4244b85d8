/** JSON as it is written, for numbers that JavaScript cannot write. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value that a careless or a malicious client may send. */
export interface Hostile {
  name: string;
  value: unknown;
}

/** Returns so many objects inside of each other. */
export function nestedObjects(levels: number, key = 'a'): unknown {
  let value: unknown = 'end';
  for (let level = 0; level < levels; level += 1) value = { [key]: value };
  return value;
}

/** Returns so many lists inside of each other. */
export function nestedLists(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
}

const MARK = '\ue000raw:';
const MARKED = new RegExp(`"${MARK}([^"]*)"`, 'g');

/** Returns the value as JSON, with RawJson as it is. */
export function hostileJson(value: unknown): string {
  const marked = JSON.stringify(value, (_name, member) =>
    member instanceof RawJson ? `${MARK}${member.text}` : member,
  );
  return marked.replace(MARKED, '$1');
}

/** Returns the value in the syntax of GraphQL. */
export function literal(value: unknown): string {
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value)) return `[${value.map(literal).join(' ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, member]) => `${name}: ${literal(member)}`);
  return `{ ${fields.join(' ')} }`;
}

const table = (values: Record<string, unknown>): readonly Hostile[] =>
  Object.entries(values).map(([name, value]) => ({ name, value }));

const LONG = 10_000;
const DIGITS = '9'.repeat(LONG);

const TEXTS = table({
  'U+0000': 'a\0b',
  'U+0000 alone': '\0',
  'a high surrogate': 'a\ud800',
  'a low surrogate': '\udc00b',
  '10,000 characters': 'x'.repeat(LONG),
  '10,000 pairs of surrogates': '🚀'.repeat(LONG),
  'a huge exponent in a text': '1e999999999',
  'no characters': '',
  SQL: `'; DROP TABLE workspaces; --`,
  patterns: `${'%_'.repeat(200)}\\`,
  __proto__: '__proto__',
  constructor: 'constructor',
  'a letter of no alphabet': '\u202e\uffff\u0301',
});

const NUMBERS = table({
  'a negative number': -1,
  'the largest Int': 2 ** 31 - 1,
  'the smallest Int': -(2 ** 31),
  'more than an Int': 2 ** 31,
  'less than an Int': -(2 ** 31) - 1,
  'more than 53 bits': 2 ** 53 + 2,
  'a fraction': 1.5,
  'a large double': 1e308,
  'a small double': 5e-324,
  'a negative zero': new RawJson('-0.0'),
  'more than a double': new RawJson('1e400'),
  'a huge exponent': new RawJson('1e999999999'),
  'a huge negative exponent': new RawJson('-1e-999999999'),
  '10,000 digits': new RawJson(DIGITS),
});

const NUMERALS = table({
  'a huge exponent in a text': '1e999999999',
  'a huge negative exponent in a text': '-1e-999999999',
  'an exponent of three digits': '1e999',
  'a negative exponent of three digits': '-1e-999',
  '10,000 digits in a text': DIGITS,
  '10,000 decimals': `0.${DIGITS}`,
  'more than 64 bits': '9223372036854775808',
  'less than 64 bits': '-9223372036854775809',
  NaN: 'NaN',
  Infinity: '-Infinity',
  hexadecimal: '0x7f',
  'digits of another script': '٣',
  'no digits': '-',
  'U+0000': '1\0',
});

const DAYS = table({
  'the year 0': '0000-12-31',
  'the first day': '0001-01-01',
  'the last day': '9999-12-31',
  'the year 10000': '10000-01-01',
  'a negative year': '-000001-01-01',
  'an invalid day': '2026-02-30',
  'U+0000': '2026-01-01\0',
  infinity: 'infinity',
  '10,000 digits of a year': `${DIGITS}-01-01`,
});

const MOMENTS = [
  ...DAYS.map(({ name, value }) => ({ name, value: `${value}T23:59:59.999Z` })),
  ...table({
    'a year before the first': '0001-01-01T00:00:00.000+23:59',
    'a year behind the last': '9999-12-31T23:59:59.999-23:59',
    'the last moment of JavaScript': '+275760-09-13T00:00:00.000Z',
    'a leap second': '2016-12-31T23:59:60Z',
    '10,000 digits of a second': `2026-01-01T00:00:00.${DIGITS}Z`,
    'an invalid offset': '2026-01-01T00:00:00+99:99',
    infinity: 'infinity',
  }),
];

const UUIDS = table({
  capitals: 'ABCDEF00-0000-4000-8000-00000000ABCD',
  'a UUID in braces': '{00000000-0000-4000-8000-000000000000}',
  'a UUID and more': '00000000-0000-4000-8000-000000000000}',
  'a UUID with U+0000': '00000000-0000-4000-8000-00000000000\0',
  'a UUID of nothing': '00000000-0000-0000-0000-000000000000',
  'a UUID without hyphens': '00000000000040008000000000000000',
  '10,000 zeros': '0'.repeat(LONG),
});

/** Many letters, all different from their neighbours: the slowest to encode in a host name. */
const LETTERS = String.fromCodePoint(
  ...Array.from({ length: LONG }, (_, n) => 0x4e00 + ((n * 7919) % 20_000)),
);

const ADDRESSES = table({
  'a host of 10,000 letters': `https://${LETTERS}`,
  'a host of 10,000 letters without slashes': `https:${LETTERS}`,
  'a host of 10,000 letters in a broken line': `ht\ntps://${LETTERS}`,
  'a host of 300 letters': `https://${LETTERS.slice(0, 300)}`,
  'an address with U+0000': 'https://example.com/\0',
  'an address with half of a character': 'https://example.com/\ud800',
  'an address of 10,000 characters': `https://example.com/${'x'.repeat(LONG)}`,
  'an address of no protocol': '//example.com',
  'an address of brackets': 'http://[::1',
  'an address of code': 'javascript:alert(1)',
  'an address of a port': 'http://example.com:99999/',
});

const DOCUMENTS = table({
  'U+0000 in JSON': { a: ['\0'] },
  'U+0000 as a key': { '\0': 1 },
  'half of a character in JSON': { a: { b: '\ud800' } },
  'half of a character as a key': { '\udc00': 1 },
  'the key __proto__': JSON.parse('{"__proto__": {"a": 1}, "constructor": 1}'),
  'more than a double in JSON': { n: new RawJson('1e400') },
  'a huge exponent in JSON': [new RawJson('1e999999999')],
  'JSON of 60 levels': nestedObjects(60),
  'a list of 10,000': Array.from({ length: LONG }, (_, i) => i),
  'a key of 10,000 characters': { ['x'.repeat(LONG)]: 1 },
});

/** Values of the wrong shape for nearly everything. */
export const SHAPES = table({
  null: null,
  true: true,
  'a number': 7,
  'an empty object': {},
  'the key __proto__': JSON.parse('{"__proto__": {"equals": 1}}'),
  'an empty list': [],
  'a list of null': [null],
  'lists in lists': [[['x']]],
  '90 lists in lists': nestedLists(90),
  '90 objects in objects': nestedObjects(90),
});

const BY_SCALAR: Record<string, readonly Hostile[]> = {
  String: TEXTS,
  ID: [...TEXTS, ...UUIDS],
  Int: NUMBERS,
  Float: NUMBERS,
  Boolean: table({ 'the text true': 'true', 'the number 1': 1, 'the text of nothing': '' }),
  BigInt: [...NUMERALS, ...NUMBERS],
  Decimal: [...NUMERALS, ...NUMBERS],
  Date: DAYS,
  DateTime: MOMENTS,
  UUID: [...UUIDS, ...TEXTS.slice(0, 4)],
  URL: ADDRESSES,
  JSON: DOCUMENTS,
};

/**
 * Returns what may be sent where a scalar is expected, besides values of another shape; for an
 * enumeration, texts that are no label.
 */
export function hostileScalars(type: string): readonly Hostile[] {
  return BY_SCALAR[type] ?? TEXTS;
}
