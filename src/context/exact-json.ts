import { randomBytes } from 'node:crypto';
import { endOfString, QUOTE } from './json-text.ts';
import { assertNesting } from './nesting.ts';

/**
 * JSON whose numbers keep their digits. JavaScript reads 12345678901234567890 as ...567000 and
 * prints 1.10 as 1.1. So a stored number that JavaScript would print differently is carried as a
 * string with this mark in front, and printed as it was stored. No other string begins like this:
 * Postgres stores no U+0000, and nobody outside this process knows the rest.
 */
const MARK = `\0${randomBytes(6).toString('hex')}:`;
const PRINTED_MARK = JSON.stringify(MARK).slice(0, -1);
const PRINTED_NUMBER = new RegExp(`${PRINTED_MARK.replace('\\', '\\\\')}([-+.\\deE]+)"`, 'g');

/** Returns a JSON text of the database in which numbers that JavaScript would change are marked. */
export function markNumbers(json: string): string {
  return replaceNumbers(json, (digits) =>
    String(Number(digits)) === digits ? digits : `${PRINTED_MARK}${digits}"`,
  );
}

/** Returns the value as JSON, marked numbers with the digits that are stored. */
export function printJson(value: unknown): string {
  return restoreNumbers(JSON.stringify(value));
}

/** Returns JSON made by `JSON.stringify` with marked numbers as they are stored. */
export function restoreNumbers(json: string): string {
  return json.includes(PRINTED_MARK) ? json.replace(PRINTED_NUMBER, '$1') : json;
}

/** Returns the digits of a marked number; undefined for any other value. */
function markedDigits(value: unknown): string | undefined {
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : undefined;
}

/** A number that a client sent and that a double cannot hold. */
export class UnheldNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }

  /** The number as error messages show it. */
  get shown(): string {
    return this.digits.length > 40 ? `${this.digits.slice(0, 40)}...` : this.digits;
  }

  /** For scalars that accept no number, whose messages quote the value. */
  toJSON(): string {
    return this.shown;
  }
}

/**
 * Returns the value of a client's JSON, for every transport. A number that a double cannot hold
 * becomes an UnheldNumber, which every scalar refuses. Throws SyntaxError for invalid JSON, and
 * OPERATION_TOO_LARGE for too many levels.
 */
export function parseClientJson(json: string): unknown {
  assertNesting(json);
  const value: unknown = JSON.parse(json);
  const marked = replaceNumbers(json, (digits) =>
    isHeld(digits) ? digits : `${PRINTED_MARK}${digits}"`,
  );
  if (marked === json) return value;
  return JSON.parse(marked, (_name, member) => {
    const digits = markedDigits(member);
    return digits === undefined ? member : new UnheldNumber(digits);
  });
}

/**
 * Whether a double holds the number that a client wrote: it prints as the same value, and a whole
 * number that is written out is not rounded. Otherwise a client that rounds numbers as it reads
 * them could write the rounded ones back.
 */
export function isHeld(digits: string): boolean {
  const number = Number(digits);
  if (!Number.isFinite(number)) return false;
  if (!WHOLE.test(digits)) return printsAs(number, digits);
  return (
    Number.isSafeInteger(number) || (BigInt(digits) === BigInt(number) && printsAs(number, digits))
  );
}

/** Whether the number that a client wrote is a double, in full or printed with up to 17 digits. */
export function isDouble(digits: string): boolean {
  const number = Number(digits);
  if (!Number.isFinite(number)) return false;
  if (printsAs(number, digits)) return true;
  if (WHOLE.test(digits) && BigInt(digits) === BigInt(number)) return true;
  const written = canonical(digits);
  const significant = written.replace(/^-|e.*$/g, '').length;
  return significant <= 17 && canonical(number.toPrecision(significant)) === written;
}

const WHOLE = /^-?\d+$/;

function printsAs(number: number, digits: string): boolean {
  const printed = String(number);
  return printed === digits || canonical(printed) === canonical(digits);
}

const ZERO = 0x30;

/**
 * Returns a normal form, equal for equal values: digits without zeros at either end, and an
 * exponent.
 */
function canonical(number: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?$/.exec(number) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return '0';
  // A regular expression would take quadratic time for many zeros.
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === ZERO) end -= 1;
  const places = Number(exponent) - fraction.length + digits.length - end;
  return `${sign}${digits.slice(0, end)}e${places}`;
}

const MINUS = 0x2d;
/** All whole numbers with fewer digits are safe. */
const MANY_DIGITS = 16;

/** Returns a valid JSON text with its numbers replaced, but not what looks like one in a string. */
function replaceNumbers(json: string, replace: (digits: string) => string): string {
  let replaced = '';
  let copied = 0;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(json, at);
    } else if (startsNumber(code)) {
      let end = at + 1;
      while (isDigit(json.charCodeAt(end))) end += 1;
      const isSmall = end - at < MANY_DIGITS && code !== MINUS;
      const whole = end;
      while (continuesNumber(json.charCodeAt(end))) end += 1;
      // Most numbers are small whole ones, which JavaScript does not change.
      if (end > whole || !isSmall) {
        const digits = json.slice(at, end);
        const replacement = replace(digits);
        if (replacement !== digits) {
          replaced += json.slice(copied, at) + replacement;
          copied = end;
        }
      }
      at = end - 1;
    }
  }
  return replaced + json.slice(copied);
}

function startsNumber(code: number): boolean {
  return isDigit(code) || code === MINUS;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** A digit, a point, a sign, or the letter of an exponent. */
function continuesNumber(code: number): boolean {
  return startsNumber(code) || code === 0x2e || code === 0x2b || code === 0x45 || code === 0x65;
}
