import { createHash } from 'node:crypto';
import { type ASTNode, type DocumentNode, Kind, print, visit } from 'graphql';

type Variables = Readonly<Record<string, unknown>>;

/**
 * Returns a SHA-256 of the meaning of a document with one operation and these variables. The layout,
 * comments, the name of the operation, and the order of arguments, input fields, variables and keys
 * make no difference.
 */
export function requestHash(document: DocumentNode, variables: Variables): Buffer {
  const declared = document.definitions
    .flatMap((each) => (each.kind === Kind.OPERATION_DEFINITION ? each.variableDefinitions : []))
    .map((definition) => definition?.variable.name.value ?? '');
  const given = declared.map((name) => [name, variables[name]]);
  const values = canonicalJson(Object.fromEntries(given));
  return createHash('sha256').update(canonicalText(document)).update('\0').update(values).digest();
}

function canonicalText(document: DocumentNode): string {
  const canonical = visit(document, {
    Document: {
      leave: (node) => ({ ...node, definitions: sorted(node.definitions) }),
    },
    OperationDefinition: {
      leave: ({ name: _name, ...node }) => ({
        ...node,
        variableDefinitions: sorted(node.variableDefinitions),
      }),
    },
    Field: { leave: (node) => ({ ...node, arguments: sorted(node.arguments) }) },
    Directive: { leave: (node) => ({ ...node, arguments: sorted(node.arguments) }) },
    ObjectValue: { leave: (node) => ({ ...node, fields: sorted(node.fields) }) },
    StringValue: (node) => ({ ...node, block: false }),
  });
  return print(canonical);
}

/** Sorted by their texts, so that equal nodes come in the same order. */
function sorted<Node extends ASTNode>(nodes: readonly Node[] = []): Node[] {
  const texts = new Map(nodes.map((node) => [node, print(node)]));
  const textOf = (node: Node) => texts.get(node) ?? '';
  return [...nodes].sort((one, other) => (textOf(one) < textOf(other) ? -1 : 1));
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) => {
    if (each === null || typeof each !== 'object' || Array.isArray(each)) return each;
    return Object.fromEntries(
      Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)),
    );
  });
}
