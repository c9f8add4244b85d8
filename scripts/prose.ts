// Checks the English of the documentation, the descriptions of the schema, the messages in the code, its
// comments, and the titles of tests. The vocabulary is in .textlintrc.json.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parse, visit } from 'graphql';
import { createLinter, loadTextlintrc } from 'textlint';
import ts from 'typescript';

interface Text {
  place: string;
  text: string;
}

/** A message is a sentence: a capital, and several words. */
const SENTENCE = /^[A-Z].* .* /s;
/** What begins a comment in code, in SQL and in Prisma's models, and the comment of a function in SQL. */
const COMMENT = /(?:^\s*\/?\*+|(?:^|\s)(?:\/\/\/?|--)|^COMMENT ON .* IS ')\s?(.*)/;

const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n');
const linter = createLinter({ descriptor: await loadTextlintrc() });
let problems = 0;
for (const { place, text } of [
  ...documentation(),
  ...descriptions(),
  ...messages(),
  ...comments(),
  ...titles(),
]) {
  const { messages } = await linter.lintText(text, 'text.md');
  for (const { line, message } of messages) {
    const [file, first = 1] = place.split(':');
    process.stdout.write(`${file}:${Number(first) + line - 1} ${message}\n`);
    problems += 1;
  }
}
if (problems > 0) {
  process.stdout.write(`${problems} problems: say it in plainer words.\n`);
  process.exitCode = 1;
}

function documentation(): Text[] {
  return filesLike(
    /^(docs\/.*|packages\/.*|(tests|bench)\/README|README|CONTRIBUTING|CHANGELOG)\.md$/,
  );
}

function descriptions(): Text[] {
  const seen = new Set<string>();
  const texts: Text[] = [];
  visit(parse(readFileSync('schema.graphql', 'utf8')), {
    StringValue({ value, loc }) {
      if (!seen.has(value))
        texts.push({ place: `schema.graphql:${loc?.startToken.line}`, text: value });
      seen.add(value);
      return false;
    },
  });
  return texts;
}

function messages(): Text[] {
  return filesLike(/^(src|scripts|packages\/client\/src)\/.*\.ts$/).flatMap((file) =>
    stringsOf(file).filter(({ text }) => SENTENCE.test(text)),
  );
}

/** All comments of a file as one text, on the lines where they are. */
function comments(): Text[] {
  const files = filesLike(
    /^(src|scripts|bench|tests|packages\/client\/src|prisma)\/.*\.(ts|mjs|sql|prisma)$/,
  );
  return files.map(({ place, text }) => {
    const lines = text.split('\n').map((line) => COMMENT.exec(line)?.[1] ?? '');
    return { place, text: lines.join('\n') };
  });
}

function titles(): Text[] {
  return filesLike(/^tests\/.*\.test\.ts$/).flatMap((file) =>
    stringsOf(file, ({ parent }) => ts.isCallExpression(parent) && isTest(parent.expression)),
  );
}

/** Whether a called expression is `describe`, `it` or `test`, or made from it: `it.each(cases)`. */
function isTest(called: ts.Expression): boolean {
  if (ts.isIdentifier(called)) return /^(describe|it|test)$/.test(called.text);
  return (
    (ts.isCallExpression(called) || ts.isPropertyAccessExpression(called)) &&
    isTest(called.expression)
  );
}

function stringsOf({ place, text }: Text, isWanted: (node: ts.Node) => boolean = () => true) {
  const source = ts.createSourceFile(place, text, ts.ScriptTarget.Latest, true);
  const texts: Text[] = [];
  const look = (node: ts.Node): void => {
    const value = textOf(node);
    if (value === undefined) ts.forEachChild(node, look);
    else if (isWanted(node)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      texts.push({ place: `${place}:${line + 1}`, text: value });
    }
  };
  look(source);
  return texts;
}

/** The text of a string in the code, with a name where a value is inserted. */
function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map(({ literal }) => `X${literal.text}`).join('');
}

function filesLike(pattern: RegExp): Text[] {
  return tracked
    .filter((file) => pattern.test(file))
    .map((place) => ({ place, text: readFileSync(place, 'utf8') }));
}
