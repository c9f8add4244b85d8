export const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Returns the position of the quote that ends the string which begins at `start` in a JSON text.
 */
export function endOfString(json: string, start: number): number {
  let end = start;
  for (;;) {
    end = json.indexOf('"', end + 1);
    if (end === -1) return json.length;
    let before = end - 1;
    while (json.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
}
