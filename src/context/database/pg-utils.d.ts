/** The part of node-postgres that pg-cursor uses too and that @types/pg leaves out. */
declare module 'pg/lib/utils.js' {
  const utils: { prepareValue(value: unknown): string | Buffer | null };
  export default utils;
}
