import { type ASTNode, BREAK, type DocumentNode, getOperationAST, visit } from 'graphql';

/** The field of connections with the position in the change log at which their rows were read. */
export const LIVE_CURSOR = 'liveCursor';

const known = new WeakMap<ASTNode, boolean>();

/** Whether a field of this name occurs in a document, or in part of one. */
export function mentionsLiveCursor(node: ASTNode): boolean {
  let mentioned = known.get(node);
  if (mentioned === undefined) {
    mentioned = false;
    visit(node, {
      Field({ name }) {
        if (name.value !== LIVE_CURSOR) return undefined;
        mentioned = true;
        return BREAK;
      },
    });
    known.set(node, mentioned);
  }
  return mentioned;
}

/** Whether an operation has to read everything in one snapshot, that of its cursor. */
export function needsSnapshot(document: DocumentNode, operationName?: string | null): boolean {
  const operation = getOperationAST(document, operationName);
  return operation?.operation === 'query' && mentionsLiveCursor(document);
}
