import { type GraphQLSchema, getNamedType, isAbstractType, isObjectType } from 'graphql';
import { isRecord, type Plan, visitAnswer } from './plan.ts';

/** Which fields of a schema had a value, or null, in an answer. */
export class Coverage {
  readonly #all: ReadonlySet<string>;
  readonly #reached = new Set<string>();

  constructor(schema: GraphQLSchema) {
    this.#all = new Set(fieldsOf(schema));
  }

  add({ fields }: Plan, data: unknown): void {
    visitAnswer(fields, data, ({ parent, name, on }, _, holder) => {
      if (isRecord(holder)) this.#reached.add(`${on ?? parent}.${name}`);
    });
  }

  summary(): { reached: number; all: number; missing: string[] } {
    const missing = [...this.#all].filter((field) => !this.#reached.has(field)).sort();
    return { reached: this.#all.size - missing.length, all: this.#all.size, missing };
  }
}

/** All fields that queries and mutations can reach. */
function fieldsOf(schema: GraphQLSchema): string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  const waiting = [schema.getQueryType(), schema.getMutationType()];
  for (let type = waiting.pop(); type; type = waiting.pop()) {
    if (seen.has(type.name)) continue;
    seen.add(type.name);
    // What groups show of each column is as much again as the columns, and read alike.
    const isOfColumns = /Group(Key|Distinct|Values)$/.test(type.name);
    for (const field of Object.values(type.getFields())) {
      if (!isOfColumns) found.push(`${type.name}.${field.name}`);
      const inner = getNamedType(field.type);
      if (isObjectType(inner)) waiting.push(inner);
      if (isAbstractType(inner)) waiting.push(...schema.getPossibleTypes(inner));
    }
  }
  return found;
}
