/** A query as it is sent. */
export interface Request {
  query: string;
  operationName?: string | undefined;
  variables: Record<string, unknown>;
  /** The media type that the client wants; any, if left out. */
  accept?: string | undefined;
}

/** What is sent for a variable; undefined for nothing. */
type Sent = { value: unknown } | undefined;

interface Fragment {
  name: string;
  type: string;
  text: string;
}

/** What belongs to a document besides its selections, while these are made up. */
export class Draft {
  readonly #definitions: string[] = [];
  readonly #variables: readonly Record<string, unknown>[] = [{}, {}];
  readonly #fragments: Fragment[] = [];
  #names = 0;

  /** A name that nothing else of the document has. */
  name(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }

  /** Returns a new variable, and notes what is sent for it each time; undefined for nothing. */
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
