import { GatewayError } from '../../context/errors.ts';
import type { Column } from '../../generated/catalog.ts';
import { FAILED } from '../../sql/json.ts';

/** A column of a file. */
export interface FileColumn {
  name: string;
  column: Column;
}

/** Writes the parts of a file. Cells are the JSON texts of values as the API shows them. */
export interface FileWriter {
  /** What comes in front of the rows. */
  head: string;
  /** Throws UNREPRESENTABLE_VALUE for a value that the API cannot show. */
  rows(rows: readonly unknown[][]): string;
}

export interface FileFormat {
  contentType: string;
  writer(columns: readonly FileColumn[]): FileWriter;
}

export type Extension = 'csv' | 'ndjson';

/** The formats, by the extension of their files. */
export const formats: Readonly<Record<Extension, FileFormat>> = {
  csv: {
    contentType: 'text/csv; charset=utf-8; header=present',
    writer(columns) {
      const cellOf = columns.map(csvCell);
      // Readers skip lines with nothing in them.
      const missing = columns.length === 1 ? '""' : '';
      const line = (row: readonly unknown[]) =>
        row.map((cell, n) => cellOf[n]?.(cell) ?? missing).join(',');
      return {
        head: `${columns.map(({ name }) => name).join(',')}\r\n`,
        rows: (rows) => rows.map((row) => `${line(row)}\r\n`).join(''),
      };
    },
  },
  ndjson: {
    contentType: 'application/x-ndjson; charset=utf-8',
    writer(columns) {
      const keys = columns.map(({ name }) => `${JSON.stringify(name)}:`);
      const member = (cell: unknown, n: number) => `${keys[n]}${shown(cell, columns[n])}`;
      return {
        head: '',
        rows: (rows) => rows.map((row) => `{${row.map(member).join(',')}}\n`).join(''),
      };
    },
  },
};

function shown(cell: unknown, column: FileColumn | undefined): string {
  if (cell !== FAILED) return String(cell);
  throw new GatewayError(
    'UNREPRESENTABLE_VALUE',
    `"${column?.name}" of a row has a value that cannot be shown: it is infinite, not a number, or not of the years 1 to 9999. Leave the column out, or have the value corrected in the database.`,
    { argument: 'columns', status: 500 },
  );
}

/** Returns what writes the cells of a column; null for a missing value. */
function csvCell(shownAs: FileColumn): (cell: unknown) => string | null {
  const { column } = shownAs;
  const isJson = column.type === 'Json' || column.isList;
  const isText = column.type === 'String' && column.kind !== 'enum' && !isJson;
  return (cell) => {
    const json = shown(cell, shownAs);
    if (json === 'null') return null;
    if (isJson || !json.startsWith('"')) return quoted(json);
    const text = JSON.parse(json) as string;
    return quoted(isText ? defused(text) : text);
  };
}

/** What makes spreadsheets run a cell, with the wide forms that some take for the same. */
const FORMULA = /^[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/;
const SPECIAL = /[",\r\n]/;

/** Returns a text that spreadsheets show rather than run. */
function defused(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** Returns a cell of RFC 4180; an empty text is quoted, since a missing value is an empty cell. */
function quoted(text: string): string {
  return text === '' || SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
