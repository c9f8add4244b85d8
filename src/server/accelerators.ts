import type { GraphQLSchema } from 'graphql';
import { createReader, type Reader } from '../read/reader.ts';
import { readColumn } from '../schema/model/columns.ts';
import { createWriter, type Writer } from '../write/writer.ts';

/** What answers operations faster than executing them field by field. */
export interface Accelerators {
  reader: Reader;
  writer: Writer;
}

export function createAccelerators(schema: GraphQLSchema): Accelerators {
  return {
    reader: createReader(schema, readColumn),
    writer: createWriter(schema, readColumn),
  };
}
