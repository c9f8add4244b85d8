/** A query to send. */
export interface Request {
  query: string;
  operationName?: string | undefined;
  variables: Record<string, unknown>;
  /** The media type that the client wants; any, if left out. */
  accept?: string | undefined;
}

/** The value of a variable; undefined if it is not sent. */
type Sent = { value: unknown } | undefined;

interface Fragment {
  name: string;
  type: string;
  text: string;
}

/** Fragments and variables of a document, collected while its selections are generated. */
export class Draft {
  readonly #definitions: string[] = [];
  readonly #variables: readonly Record<string, unknown>[] = [{}, {}];
  readonly #fragments: Fragment[] = [];
  #names = 0;

  /** A name that is unique in the document. */
  name(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }

  /** Returns a new variable, and notes its value for each request; undefined if it is not sent. */
  variable(type: string, preset: string | undefined, sent: readonly Sent[]): string {
    const name = this.name('v');
    this.#definitions.push(`$${name}: ${type}${preset === undefined ? '' : ` = ${preset}`}`);
    for (const [n, variables] of this.#variables.entries()) {
      const given = sent[n];
      if (given) variables[name] = given.value;
    }
    return `$${name}`;
  }

  /** Returns the name of a new fragment. */
  fragment(type: string, text: string): string {
    const name = this.name('F');
    this.#fragments.push({ name, type, text });
    return name;
  }

  fragmentsOn(type: string): string[] {
    return this.#fragments.filter((each) => each.type === type).map(({ name }) => name);
  }

  /** Returns the requests with these selections at their root, which differ in variables only. */
  requests(selections: string, operationName: string | undefined, others = ''): Request[] {
    const definitions = this.#definitions.join(', ');
    const head = `${operationName ?? ''}${definitions && `(${definitions})`}`;
    const start = head && `query ${head} `;
    const fragments = this.#fragments.map(
      ({ name, type, text }) => `\nfragment ${name} on ${type} ${text}`,
    );
    const query = `${start}${selections}${fragments.join('')}${others}`;
    return this.#variables.map((variables) => ({ query, operationName, variables }));
  }
}
