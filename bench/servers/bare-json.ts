// SQL of JSON text.
/** The members of a JSON object, and the SQL of each one's text. */
export type Fields = Readonly<Record<string, string>>;

// Concatenation is quicker than json_build_object, and needs no spaces.
export const text = (column: string) => `coalesce(to_json(${column})::text,'null')`;
export const plain = (column: string) => `'"'||${column}||'"'`;
export const label = (column: string) => `'"'||upper(${column}::text)||'"'`;
export const number = (column: string) => `coalesce(${column}::text,'null')`;
export const decimal = (column: string) => `coalesce('"'||trim_scale(${column})||'"','null')`;
export const moment = (column: string) =>
  `'"'||to_char(${column},'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')||'"'`;

export function object(fields: Fields): string {
  const pairs = Object.entries(fields).map(([name, value]) => `"${name}":'||${value}||'`);
  return `'{${pairs.join(',')}}'`;
}

export function one(fields: Fields, from: string): string {
  return `coalesce((SELECT ${object(fields)} FROM ${from}),'null')`;
}

export function array(fields: Fields, from: string): string {
  return `'['||coalesce((SELECT string_agg(${object(fields)},',') FROM ${from}),'')||']'`;
}

export function nodes(fields: Fields, from: string): string {
  return `'{"nodes":'||${array(fields, from)}||'}'`;
}

/** Groups with their keys and measures. */
export function groups(key: Fields, measures: Fields, from: string): string {
  return `'{"groups":'||${array({ key: object(key), ...measures }, from)}||'}'`;
}

/** The newest rows of a table, as `alias`. */
export function newest(table: string, alias: string, size: number, condition = 'true'): string {
  return `(SELECT * FROM ${table} WHERE ${condition} ORDER BY created_at DESC, id DESC LIMIT ${size}) AS ${alias}`;
}

export const ofCampaign = (key: string, campaign = 'c') =>
  `workspace_id = ${campaign}.workspace_id AND ${key} = ${campaign}.id`;
