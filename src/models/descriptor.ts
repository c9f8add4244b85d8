import type { Prisma } from '../generated/prisma/client.ts';
import type { MemberRole } from '../generated/prisma/enums.ts';

type Models = Prisma.TypeMap['model'];
export type ModelName = Exclude<keyof Models, 'AuthUser'>;
type Relations<Name extends ModelName> = Models[Name]['payload']['objects'];

export type ColumnName<Name extends ModelName> = keyof Models[Name]['payload']['scalars'] & string;
type ManyName<Name extends ModelName> = {
  [Relation in keyof Relations<Name>]: Relations<Name>[Relation] extends readonly unknown[]
    ? Relation
    : never;
}[keyof Relations<Name>] &
  string;
export type OneName<Name extends ModelName> = Exclude<
  keyof Relations<Name> & string,
  ManyName<Name>
>;

/** A reference that the database keeps as a plain value, or as a list of them. */
export interface Link {
  column: string;
  to: string;
  /** The unique column that the stored values are of. Default: the id. */
  by?: string;
  description?: string;
}

export type WriteOperation = 'create' | 'update' | 'delete';

/** How a table is written through the API. */
export interface Writes {
  /** Default: all of them. */
  operations?: readonly WriteOperation[];
  /** Shown columns that clients do not set: counters, computed values, state kept by functions. */
  readOnly?: readonly string[];
  /** To-many relations whose rows can be created along with a new row. */
  nested?: readonly string[];
}

/** What the API shows of a table. Types, nullability and descriptions come from the Prisma model. */
export interface ModelDescriptor<Name extends ModelName> {
  /** The name of the list on Query; the look-up is the model's name in camelCase. */
  root: string;
  /**
   * The least role that writes rows. The policies say the same; this one is shown to clients, and
   * refuses them before any work is done. Left out, only functions and trusted writers write.
   */
  writer?: MemberRole;
  /**
   * Whether members of one workspace with the same role see different rows: their own, and others'
   * that these show. Its changes are executed for each person.
   */
  personal?: true;
  /** Whether all workspaces share its rows, which only trusted writers write. */
  global?: true;
  /** Whether only Owners read it, and agents with the scope `billing:read`. */
  billing?: true;
  /** False where agents do not write it, whatever their scopes. */
  agentsWrite?: false;
  /** In the order of the printed schema. A column that is not listed is not shown. */
  columns: readonly ColumnName<Name>[];
  /** Columns and relations that are kept back, each with its reason. All other relations are shown. */
  hidden?: Partial<Record<ColumnName<Name> | (keyof Relations<Name> & string), string>>;
  /** The columns with texts that search looks at, the title first; the view gateway.searchable has the same. */
  searched?: readonly ColumnName<Name>[];
  /** How clients write the table; left out, they do not. */
  writes?: Writes & {
    readOnly?: readonly ColumnName<Name>[];
    nested?: readonly ManyName<Name>[];
  };
  /** The status that takes the steps of the database's state machine only. */
  stateMachine?: ColumnName<Name>;
  /** References that the database does not know as such: names and lists of ids. */
  links?: Record<string, Link & { column: ColumnName<Name> }>;
}

/** A descriptor of any table, with the names that follow from its model's. */
export interface DescribedModel extends ModelDescriptor<ModelName> {
  name: ModelName;
  /** The look-up by id on Query. */
  lookup: string;
}

/** Returns the name of a model in Prisma's client, which is also that of its look-up on Query. */
export function lookupOf(model: string): string {
  return model.charAt(0).toLowerCase() + model.slice(1);
}

/** Returns what the API shows of a table, as plain data. */
export function describe<Name extends ModelName>(
  name: Name,
  descriptor: ModelDescriptor<Name>,
): DescribedModel {
  // Its own type has refused columns and relations that the model does not have.
  return { ...(descriptor as unknown as ModelDescriptor<ModelName>), name, lookup: lookupOf(name) };
}
