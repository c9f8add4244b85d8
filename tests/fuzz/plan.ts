import {
  type GraphQLInputType,
  type GraphQLOutputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
} from 'graphql';

/** An argument of a field, with the value that is sent. */
export interface Argument {
  name: string;
  type: GraphQLInputType;
  value: unknown;
  /** Whether it is written into the document, not sent as a variable. */
  isInline: boolean;
  /** Whether the document needs it to be valid, or safe. */
  isNeeded: boolean;
}

/** A field of an operation. */
export interface Field {
  /** The type that has it. */
  parent: string;
  name: string;
  /** Its name in answers. */
  key: string;
  type: GraphQLOutputType;
  args: Argument[];
  fields: Field[];
  /** The type condition, in a selection of several types. */
  on?: string | undefined;
}

/** An operation that can be printed, sent and reduced. */
export interface Plan {
  operation: 'query' | 'mutation';
  fields: Field[];
}

/** A plan for each database: they differ in sealed cursors. */
export interface PlanPair {
  whole: Plan;
  alone: Plan;
}

export interface Request {
  query: string;
  variables: Record<string, unknown>;
}

/** Returns the document and the variables of a plan. */
export function printPlan({ operation, fields }: Plan): Request {
  const variables: Record<string, unknown> = {};
  const declared: string[] = [];
  const argument = ({ name, type, value, isInline }: Argument): string => {
    if (isInline) return `${name}: ${literal(value, type)}`;
    const variable = `v${declared.length}`;
    declared.push(`$${variable}: ${type}`);
    variables[variable] = value;
    return `${name}: $${variable}`;
  };
  const selection = (list: readonly Field[]): string => {
    const printed = list.map((field) => {
      const args = field.args.map(argument).join(', ');
      const name = field.key === field.name ? field.name : `${field.key}: ${field.name}`;
      const inner = field.fields.length > 0 ? ` ${selection(field.fields)}` : '';
      const text = `${name}${args && `(${args})`}${inner}`;
      return field.on ? `... on ${field.on} { ${text} }` : text;
    });
    return `{ ${printed.join(' ')} }`;
  };
  const body = selection(fields);
  const head = declared.length > 0 ? ` (${declared.join(', ')})` : '';
  return { query: `${operation}${head} ${body}`, variables };
}

/** Writes a value in the syntax of GraphQL. */
function literal(value: unknown, type: GraphQLInputType | undefined): string {
  const inner = type && getNullableType(type);
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) {
    const item = isListType(inner) ? inner.ofType : undefined;
    return `[${value.map((each) => literal(each, item)).join(', ')}]`;
  }
  if (typeof value === 'object') {
    const fields = isInputObjectType(inner) ? inner.getFields() : {};
    const entries = Object.entries(value).map(
      ([key, each]) => `${key}: ${literal(each, fields[key]?.type)}`,
    );
    return `{ ${entries.join(', ')} }`;
  }
  return isEnumType(inner && getNamedType(inner)) ? String(value) : JSON.stringify(value);
}

/** Calls `visit` with each field and its value in an answer; once for each item of a list. */
export function visitAnswer(
  fields: readonly Field[],
  data: unknown,
  visit: (field: Field, value: unknown, holder: Record<string, unknown>) => void,
): void {
  if (Array.isArray(data)) {
    for (const item of data) visitAnswer(fields, item, visit);
  } else if (isRecord(data)) {
    for (const field of fields) {
      if (!(field.key in data)) continue;
      visit(field, data[field.key], data);
      visitAnswer(field.fields, data[field.key], visit);
    }
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
