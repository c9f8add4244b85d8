import {
  type FieldNode,
  type GraphQLField,
  type GraphQLSchema,
  Kind,
  parse,
  type SelectionSetNode,
  validate,
} from 'graphql';
import type { SelectedMeasure } from '../../aggregate/read-aggregate.ts';
import { selectedMeasures } from '../../read/selected-measures.ts';
import { refused } from './export-request.ts';

/** Parsing is recursive, and validation compares all pairs of fields. */
const MAX_TOKENS = 500;
/** The fields of a group that are no measures. */
const OTHERS = ['key', 'keyCount', 'isTotal', '__typename'];

/**
 * Reads the measures of an aggregate, which are a selection of its groups in GraphQL:
 * `count critical: count(filter: { … })`. Throws BAD_USER_INPUT for a wrong one.
 */
export function readMeasures(
  schema: GraphQLSchema,
  field: GraphQLField<unknown, unknown>,
  given: unknown,
): SelectedMeasure[] {
  if (typeof given !== 'string') {
    throw refused('measures', '"measures" is a selection in GraphQL, such as "count".');
  }
  const node = aggregateNode(schema, field.name, given);
  const reading = { schema, fragments: new Map(), variables: {} };
  const measures = selectedMeasures(reading, field.type, [node]);
  if (measures.length === 0) throw refused('measures', 'Name at least one measure.');
  return measures;
}

function aggregateNode(schema: GraphQLSchema, name: string, measures: string): FieldNode {
  const document = parsed(`{ ${name} { groups { ${measures}\n} } }`);
  const [definition, another] = document.definitions;
  const root =
    definition?.kind === Kind.OPERATION_DEFINITION ? onlyField(definition.selectionSet) : null;
  const groups = root && onlyField(root.selectionSet);
  // A text that closes the braces in front of it is no selection.
  if (another || !root || !groups) {
    throw refused('measures', '"measures" is a single selection: its braces do not match.');
  }
  const [error] = validate(schema, document, undefined, { maxErrors: 1 });
  if (error) throw refused('measures', error.message);
  for (const selection of groups.selectionSet?.selections ?? []) {
    if (selection.kind === Kind.FIELD && OTHERS.includes(selection.name.value)) {
      throw refused(
        'measures',
        `"${selection.name.value}" is no measure: the keys are columns by themselves.`,
      );
    }
  }
  return root;
}

function parsed(text: string) {
  try {
    return parse(text, { noLocation: true, maxTokens: MAX_TOKENS });
  } catch (error) {
    throw refused('measures', (error as Error).message);
  }
}

function onlyField(set: SelectionSetNode | undefined): FieldNode | null {
  const [selection, another] = set?.selections ?? [];
  return selection?.kind === Kind.FIELD && !another ? selection : null;
}
