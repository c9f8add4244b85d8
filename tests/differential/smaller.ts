import {
  type ASTNode,
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  parse,
  print,
  validate,
  visit,
} from 'graphql';
import type { Request } from './draft.ts';

/** How often to try. */
const ATTEMPTS = 150;
const REMOVABLE: readonly string[] = [
  Kind.FIELD,
  Kind.INLINE_FRAGMENT,
  Kind.FRAGMENT_SPREAD,
  Kind.ARGUMENT,
  Kind.OBJECT_FIELD,
  Kind.DIRECTIVE,
  Kind.VARIABLE_DEFINITION,
  Kind.FRAGMENT_DEFINITION,
  Kind.OPERATION_DEFINITION,
];

/** Removes parts of a document, one after the other, while a condition holds for it. */
export async function smaller(
  schema: GraphQLSchema,
  request: Request,
  holds: (request: Request) => Promise<boolean>,
): Promise<Request> {
  let best = request;
  let attempts = 0;
  for (let n = 0; attempts < ATTEMPTS; n += 1) {
    const document = parse(best.query);
    const part = removable(document)[n];
    if (!part) return best;
    const rest = without(document, part);
    const less = rest && used(schema, rest);
    if (!less) continue;
    attempts += 1;
    const next = { ...best, query: print(less) };
    if (!(await holds(next))) continue;
    best = next;
    n = -1;
  }
  return best;
}

/** Parts that can be removed, the largest first. */
function removable(document: DocumentNode): ASTNode[] {
  const found: { node: ASTNode; size: number }[] = [];
  visit(document, {
    enter(node) {
      if (!REMOVABLE.includes(node.kind)) return;
      found.push({ node, size: (node.loc?.end ?? 0) - (node.loc?.start ?? 0) });
    },
  });
  return found.sort((a, b) => b.size - a.size).map(({ node }) => node);
}

function without(document: DocumentNode, part: ASTNode): DocumentNode | undefined {
  try {
    return parse(print(visit(document, { enter: (node) => (node === part ? null : undefined) })));
  } catch {
    return undefined;
  }
}

/** The document without definitions that nothing uses; undefined if it is not valid. */
function used(schema: GraphQLSchema, document: DocumentNode): DocumentNode | undefined {
  const text = print(document);
  const kept = visit(document, {
    VariableDefinition: ({ variable: { name } }) =>
      text.split(new RegExp(`\\$${name.value}\\b`)).length > 2 ? undefined : null,
    FragmentDefinition: ({ name }) => (text.includes(`...${name.value}`) ? undefined : null),
  });
  return validate(schema, kept).length === 0 ? kept : undefined;
}
