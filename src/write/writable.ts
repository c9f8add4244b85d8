/** What a field of Mutation writes, where statements that are known beforehand can do it. */
export interface Writable {
  kind: 'create' | 'createMany' | 'update' | 'delete';
  model: string;
}

/** The extension of a mutation that can be done in one round trip. One without it is executed. */
export function writable(what: Writable) {
  return { writable: what };
}

/** Returns what `writable` said of a field. */
export function writableIn(extensions: Readonly<Record<string, unknown>>): Writable | undefined {
  return extensions.writable as Writable | undefined;
}
