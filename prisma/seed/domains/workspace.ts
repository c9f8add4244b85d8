import type { Demo, WorkspaceDemo } from '../demo.ts';
import { demoPeople, demoWorkspaces } from '../people.ts';
import type { Row } from '../writer.ts';

/** Returns the people themselves: accounts, profiles, and what belongs to no workspace. */
export function peopleRows(demo: Demo): Record<string, Row[]> {
  const random = demo.random('people');
  return {
    'auth.users': demoPeople.map(({ id, email, name }, n) => ({
      id,
      email,
      raw_user_meta_data: { full_name: name, avatar_url: avatarOf(email) },
      created_at: demo.ago(320 - n * 2),
    })),
    user_profiles: demoPeople.map(({ id, email, name, memberships }, n) => ({
      id,
      full_name: name,
      avatar_url: avatarOf(email),
      bio: bioOf(memberships),
      preferences: {
        theme: n % 3 === 0 ? 'dark' : 'light',
        language: 'en',
        emailDigest: n % 2 === 0 ? 'daily' : 'weekly',
      },
      onboarding_completed: memberships.length > 0 && n % 7 !== 4,
      onboarding_skipped: n % 7 === 4,
      features: n < 6 ? { agentDebates: true } : {},
      created_at: demo.ago(320 - n * 2),
      updated_at: demo.ago(random.int(1, 40)),
    })),
    onboarding_responses: demoPeople
      .filter((_, n) => n % 7 !== 4)
      .map(({ id, memberships }, n) => onboarding(demo, id, memberships[0]?.workspace, n)),
  };
}

function avatarOf(email: string): string {
  return `https://avatars.example.com/${email.split('@')[0]}.png`;
}

function bioOf(memberships: { workspace: string; role: string }[]): string {
  const roles = memberships.map(({ workspace, role }) => {
    const name = demoWorkspaces.find(({ slug }) => slug === workspace)?.name;
    return `${role} at ${name}`;
  });
  return roles.length > 0 ? roles.join(', ') : 'Looking around';
}

function onboarding(demo: Demo, person: string, workspace: string | undefined, n: number): Row {
  const done = workspace !== undefined;
  return {
    id: demo.id('onboarding_responses', person),
    user_id: person,
    workspace_id: demoWorkspaces.find(({ slug }) => slug === workspace)?.id ?? null,
    answers: done
      ? { goal: 'More of the right customers', team: n + 2, tools: ['spreadsheet', 'e-mail'] }
      : { goal: 'Understand what this does' },
    generated_icps: done ? [{ name: 'First cohort', confidence: 0.62 }] : [],
    positioning_insights: done ? { strongest: 'proof', missing: 'a reason to act now' } : {},
    completed_at: done ? demo.ago(299 - n * 2) : null,
    progress_percentage: done ? 100 : 40,
    current_step: done ? null : 'audience',
    created_at: demo.ago(300 - n * 2),
    updated_at: demo.ago(299 - n * 2),
  };
}

/** Returns the workspace and its members. */
export function workspaceRows({ demo, story, id, members, row }: WorkspaceDemo) {
  const workspace = demoWorkspaces.find((workspace) => workspace.id === id);
  return {
    workspaces: [
      {
        id,
        name: workspace?.name ?? story.slug,
        slug: story.slug,
        plan: story.plan,
        cohorts_limit: { Ascent: 3, Glide: 6, Soar: 12 }[story.plan],
        moves_per_sprint_limit: { Ascent: 5, Glide: 10, Soar: 25 }[story.plan],
        created_at: demo.ago(280),
        updated_at: demo.ago(6),
      },
    ],
    user_workspaces: members.map((member, n) => ({
      id: row('user_workspaces', n),
      user_id: member.id,
      workspace_id: id,
      role: member.role,
      joined_at: demo.ago(member.role === 'Owner' ? 280 : 265 - n * 41),
    })),
  } satisfies Record<string, Row[]>;
}
