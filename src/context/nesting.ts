import { GatewayError } from './errors.ts';
import { endOfString, QUOTE } from './json-text.ts';

/** Deep enough for JSON of 50 levels in a nested input. */
const MAX_LEVELS = 100;

const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * Throws OPERATION_TOO_LARGE for JSON whose lists and objects nest too deeply. Much code that reads
 * a value is recursive and would run out of stack.
 */
export function assertNesting(json: string): void {
  let levels = 0;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(json, at);
    } else if (code === OPENING_BRACKET || code === OPENING_BRACE) {
      levels += 1;
      if (levels > MAX_LEVELS) throw tooDeep();
    } else if (code === CLOSING_BRACKET || code === CLOSING_BRACE) {
      levels -= 1;
    }
  }
}

function tooDeep(): GatewayError {
  return new GatewayError(
    'OPERATION_TOO_LARGE',
    `Lists and objects of a request are at most ${MAX_LEVELS} levels deep.`,
    { status: 400 },
  );
}
