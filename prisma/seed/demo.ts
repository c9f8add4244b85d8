import { type DemoRole, demoPeople, demoWorkspaces } from './people.ts';
import { Random, uuidOf } from './random.ts';
import type { Story } from './story.ts';

const DAY = 86_400_000;

/** An id of no row: a few logical references lead nowhere, as in real data. */
export const danglingId = 'dead0000-0000-4000-8000-000000000000';
/** The name of an agent that was never registered. */
export const danglingAgent = 'res-decommissioned';

/** The source of ids, choices and times: the seed number and the time of seeding. */
export class Demo {
  readonly seed: number;
  readonly now: Date;

  constructor(seed: number, now: Date) {
    this.seed = seed;
    this.now = now;
  }

  /** Returns the id of a row: the same name, the same id. */
  id(table: string, ...name: (string | number)[]): string {
    return uuidOf(`${this.seed}/${table}/${name.join('/')}`);
  }

  random(label: string): Random {
    return new Random(`${this.seed}/${label}`);
  }

  /** Returns the time so many days, and hours, ago. */
  ago(days: number, hours = 0): Date {
    return new Date(this.now.getTime() - days * DAY - hours * (DAY / 24));
  }

  /** Returns the calendar day, in UTC, so many days from today, in the past if negative. */
  day(offset: number): string {
    return this.ago(-offset).toISOString().slice(0, 10);
  }
}

/** One workspace while its rows are built. */
export class WorkspaceDemo {
  readonly demo: Demo;
  readonly story: Story;
  readonly id: string;
  readonly members: { id: string; role: DemoRole }[];

  constructor(demo: Demo, story: Story) {
    this.demo = demo;
    this.story = story;
    const workspace = demoWorkspaces.find(({ slug }) => slug === story.slug);
    if (!workspace) throw new Error(`Unknown demo workspace ${story.slug}.`);
    this.id = workspace.id;
    this.members = demoPeople.flatMap(({ id, memberships }) =>
      memberships
        .filter(({ workspace }) => workspace === story.slug)
        .map(({ role }) => ({ id, role })),
    );
  }

  /** Returns the id of the workspace's row number `n` of a table. */
  readonly row = (table: string, n: number | string): string =>
    this.demo.id(table, this.story.slug, n);

  /** Returns the choices of one part of the workspace, independent of all others. */
  readonly random = (label: string): Random => this.demo.random(`${this.story.slug}/${label}`);

  /** Returns the person with this role. */
  readonly person = (role: DemoRole): string => {
    const member = this.members.find((member) => member.role === role);
    if (!member) throw new Error(`No ${role} in the demo workspace ${this.story.slug}.`);
    return member.id;
  };

  /** Returns how many rows a template fills in for a workspace of this size. */
  readonly count = (full: number): number => Math.ceil(full * this.story.size);
}
