import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './finding.ts';
import type { Source } from './source.ts';
import {
  type RemovedLine,
  removedLines,
  type SourceFile,
  type SourceKind,
  sourceFiles,
} from './source-files.ts';

const ROOTS = new Set(['Query', 'Mutation', 'Subscription']);
/** How far behind its name a definition in code may reach. */
const DEFINITION_LINES = 80;

/** Finds the lines that a schema comes from. */
export class Places {
  readonly #files: SourceFile[];
  readonly #models: string[];
  readonly #source: Source;
  #removed: RemovedLine[] | undefined;
  readonly #schema: string[];
  readonly #definitions: Map<string, number>;

  constructor(source: Source) {
    this.#source = source;
    this.#files = sourceFiles(source.folder);
    this.#schema = source.headText.split('\n');
    this.#definitions = definitionsIn(this.#schema);
    this.#models = this.#files
      .filter(({ kind }) => kind === 'models')
      .flatMap(({ lines }) => lines.flatMap((line) => /describe\('(\w+)'/.exec(line)?.[1] ?? []))
      // The longest first: names begin with each other.
      .sort((a, b) => b.length - a.length);
  }

  /** Returns the line that a schema coordinate comes from; undefined if none is known. */
  of(path: string): Place | undefined {
    const [type = '', member] = path.split(/[.(:]/);
    return (
      this.#ofSource(type, member) ??
      this.#inSchema(type, member) ??
      this.#gone(type, member) ??
      this.#ofType(type, this.#modelOf(type, member)) ??
      this.#inSchema(type, undefined)
    );
  }

  #ofSource(type: string, member: string | undefined): Place | undefined {
    const model = this.#modelOf(type, member);
    if (this.#schemaLine(type, member) < 0) return undefined;
    if (member === undefined) return this.#ofType(type, model);
    return ROOTS.has(type)
      ? this.#ofRootField(member, model)
      : (this.#inPrisma(type, member) ??
          this.#inDefinition('schema', type, member) ??
          (model === undefined ? undefined : this.#inPrisma(model, member)) ??
          this.#inDefinition('models', model ?? type, member));
  }

  #ofRootField(field: string, model: string | undefined): Place | undefined {
    return (
      this.#line('models', (line) => line.includes(`root: '${field}'`)) ??
      this.#line('schema', (line) => line.includes(`('${field}'`)) ??
      (model === undefined ? undefined : this.#ofType(model, model))
    );
  }

  #ofType(type: string, model: string | undefined): Place | undefined {
    const opens = new RegExp(`^(enum|model|view|type) ${type} \\{`);
    if (type.startsWith('@')) {
      return this.#line('schema', (line) => line.includes(`name: '${type.slice(1)}'`));
    }
    return (
      this.#line('models', (line) => line.includes(`describe('${type}'`)) ??
      this.#line('prisma', (line) => opens.test(line)) ??
      this.#line('schema', (line) => line.includes(`('${type}'`)) ??
      (model && model !== type ? this.#ofType(model, model) : undefined)
    );
  }

  /** The model that a type or a root field is made for: the longest one that its name begins with. */
  #modelOf(type: string, member = ''): string | undefined {
    if (!ROOTS.has(type)) return this.#models.find((model) => type.startsWith(model));
    const name = member.toLowerCase();
    return this.#models.find((model) => name.includes(model.toLowerCase()));
  }

  #inPrisma(type: string, member: string): Place | undefined {
    const opens = new RegExp(`^(enum|model|view|type) ${type} \\{`);
    const names = new RegExp(`^\\s+${member}\\b`, 'i');
    return this.#within(
      'prisma',
      (line) => opens.test(line),
      names,
      (line) => line === '}',
    );
  }

  #inDefinition(kind: SourceKind, type: string, member: string): Place | undefined {
    const names = new RegExp(`(^|[^\\w.])(${member}:|'${member}')`);
    return (
      this.#within(
        kind,
        (line) => line.includes(`('${type}'`),
        names,
        (line) => /^\}?\)/.test(line),
      ) ?? this.#line(kind, (line) => line.includes(`(${type}, '${member}'`))
    );
  }

  #within(
    kind: SourceKind,
    opens: (line: string) => boolean,
    names: RegExp,
    closes: (line: string) => boolean,
  ): Place | undefined {
    for (const { kind: own, file, lines } of this.#files) {
      const start = own === kind ? lines.findIndex(opens) : -1;
      if (start < 0) continue;
      const rest = lines.slice(start + 1, start + DEFINITION_LINES);
      const end = rest.findIndex(closes);
      const at = (end < 0 ? rest : rest.slice(0, end)).findIndex((line) => names.test(line));
      if (at >= 0) return { file, line: start + at + 2 };
    }
    return undefined;
  }

  #line(kind: SourceKind, is: (line: string) => boolean): Place | undefined {
    for (const { kind: own, file, lines } of this.#files) {
      const at = own === kind ? lines.findIndex(is) : -1;
      if (at >= 0) return { file, line: at + 1 };
    }
    return undefined;
  }

  /** Where a line about it stood that is no longer there. */
  #gone(type: string, member: string | undefined): Place | undefined {
    const { commit, git } = this.#source;
    if (!commit) return undefined;
    this.#removed ??= removedLines(git, commit);
    // The values of an order are columns, written in another case.
    const name = (member ?? type).replaceAll('_', '_?');
    const named = new RegExp(`(^|[^\\w.])${name}\\b`, 'i');
    const lines = this.#removed.filter(({ text }) => named.test(text));
    const model = this.#modelOf(type, member) ?? type;
    const file = this.#ofType(model, model)?.file;
    const { file: found, line } = lines.find((each) => each.file === file) ?? lines[0] ?? {};
    return found && line ? { file: found, line } : undefined;
  }

  #inSchema(type: string, member: string | undefined): Place | undefined {
    const { folder, schemaFile } = this.#source;
    const at = this.#schemaLine(type, member);
    if (at < 0 || !existsSync(join(folder, schemaFile))) return undefined;
    return { file: schemaFile, line: at + 1 };
  }

  #schemaLine(type: string, member: string | undefined): number {
    const start = this.#definitions.get(type) ?? -1;
    if (member === undefined || start < 0) return start;
    // A definition ends with a brace of its own, or has none.
    const end = this.#schema.indexOf(this.#schema[start]?.endsWith('{') ? '}' : '', start);
    // A member has a line of its own; an interface or a type of a union stands in the first one.
    const names = new RegExp(
      `^  ${member}([(:]| @|$)|^(type|interface|union) .*([=|&]|implements) ${member}\\b`,
    );
    const at = this.#schema.slice(start, end + 1).findIndex((line) => names.test(line));
    return at < 0 ? -1 : start + at;
  }
}

/** Returns at which line of a printed schema each type and directive begins. */
function definitionsIn(lines: readonly string[]): Map<string, number> {
  const opens = /^(?:type|input|enum|interface|union|scalar|directive) (@?\w+)/;
  return new Map(
    lines.flatMap((line, index): [string, number][] => {
      const name = opens.exec(line)?.[1];
      return name ? [[name, index]] : [];
    }),
  );
}
