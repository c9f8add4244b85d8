// Writes what the Prisma client keeps to itself and the API needs: the domain of each model, the
// native type of each column, and the `///` documentation of models, columns and enumerations.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import generatorHelper from '@prisma/generator-helper';

const types = `export interface Column {
  column: string;
  type: string;
  kind: 'scalar' | 'enum';
  nativeType?: string;
  nativeArguments?: readonly string[];
  isList: boolean;
  isRequired: boolean;
  hasDefault: boolean;
  documentation?: string;
}
export interface Relation {
  /** Shared by both ends of a relation. */
  name: string;
  to: string;
  isList: boolean;
  isRequired: boolean;
  columns: readonly string[];
  references: readonly string[];
  documentation?: string;
}
export interface Model {
  table: string;
  schema: string;
  /** What the model is about: the name of its file in prisma/models. */
  domain: string;
  documentation?: string;
  uniqueKeys: readonly (readonly string[])[];
  columns: Record<string, Column>;
  relations: Record<string, Relation>;
}
export interface Enumeration {
  type: string;
  documentation?: string;
  values: readonly { name: string; documentation?: string }[];
}
export interface Catalog {
  models: Record<string, Model>;
  enums: Record<string, Enumeration>;
}
`;

const MODELS = fileURLToPath(new URL('models', import.meta.url));

/** The domain of each model and view. */
async function readDomains() {
  const domains = new Map();
  for (const file of await readdir(MODELS)) {
    const text = await readFile(join(MODELS, file), 'utf8');
    for (const [, name] of text.matchAll(/^(?:model|view) (\w+)/gm)) {
      domains.set(name, basename(file, '.prisma'));
    }
  }
  return domains;
}

generatorHelper.generatorHandler({
  onManifest: () => ({
    prettyName: 'column catalog',
    defaultOutput: '../src/generated/catalog.ts',
  }),
  async onGenerate({ dmmf, generator }) {
    const domains = await readDomains();
    const models = dmmf.datamodel.models.map((model) => [
      model.name,
      {
        table: model.dbName ?? model.name,
        schema: model.schema ?? 'public',
        domain: domains.get(model.name),
        documentation: model.documentation,
        uniqueKeys: [
          ...model.fields.filter((field) => field.isUnique).map((field) => [field.name]),
          ...model.uniqueFields,
        ],
        columns: Object.fromEntries(
          model.fields
            .filter((field) => field.kind !== 'object')
            .map((field) => [
              field.name,
              {
                column: field.dbName ?? field.name,
                type: field.type,
                kind: field.kind,
                nativeType: field.nativeType?.[0],
                nativeArguments: field.nativeType?.[1],
                isList: field.isList,
                isRequired: field.isRequired,
                hasDefault: field.hasDefaultValue,
                documentation: field.documentation,
              },
            ]),
        ),
        relations: Object.fromEntries(
          model.fields
            .filter((field) => field.kind === 'object')
            .map((field) => [
              field.name,
              {
                name: field.relationName,
                to: field.type,
                isList: field.isList,
                isRequired: field.isRequired,
                columns: field.relationFromFields,
                references: field.relationToFields,
                documentation: field.documentation,
              },
            ]),
        ),
      },
    ]);
    const enums = dmmf.datamodel.enums.map((enumeration) => [
      enumeration.name,
      {
        type: enumeration.dbName ?? enumeration.name,
        documentation: enumeration.documentation,
        values: enumeration.values.map((value) => ({
          name: value.name,
          documentation: value.documentation,
        })),
      },
    ]);
    const catalog = { models: Object.fromEntries(models), enums: Object.fromEntries(enums) };
    const output = generator.output.value;
    await mkdir(dirname(output), { recursive: true });
    await writeFile(
      output,
      `${types}\nexport const catalog: Catalog = ${JSON.stringify(catalog, null, 1)};\n`,
    );
  },
});
