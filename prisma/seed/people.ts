export type DemoRole = 'Owner' | 'Strategist' | 'Creator' | 'Analyst' | 'Viewer';

export interface DemoWorkspace {
  id: string;
  slug: 'kaveri-coffee' | 'ledgerloop' | 'saffron-trails';
  name: string;
}

export interface DemoPerson {
  id: string;
  email: string;
  name: string;
  memberships: { workspace: DemoWorkspace['slug']; role: DemoRole }[];
}

/** The demo's workspaces. Ids are fixed: they depend on no seed number. */
export const demoWorkspaces: readonly DemoWorkspace[] = [
  {
    id: 'c0000000-0000-4000-8000-000000000001',
    slug: 'kaveri-coffee',
    name: 'Kaveri Coffee Roasters',
  },
  { id: 'c0000000-0000-4000-8000-000000000002', slug: 'ledgerloop', name: 'LedgerLoop' },
  { id: 'c0000000-0000-4000-8000-000000000003', slug: 'saffron-trails', name: 'Saffron Trails' },
];

function person(number: number, name: string, ...memberships: DemoPerson['memberships']) {
  return {
    id: `a0000000-0000-4000-8000-0000000000${String(number).padStart(2, '0')}`,
    email: `${name.toLowerCase().replaceAll(/[^a-z]+/g, '.')}@example.com`,
    name,
    memberships,
  };
}

/**
 * The demo's people, the owner of the first workspace first. Ids are fixed. Meera Iyer belongs to
 * two workspaces, Noor Haddad to none.
 */
export const demoPeople: readonly DemoPerson[] = [
  person(1, 'Asha Rao', { workspace: 'kaveri-coffee', role: 'Owner' }),
  person(2, 'Vikram Shetty', { workspace: 'kaveri-coffee', role: 'Strategist' }),
  person(3, 'Leela Thomas', { workspace: 'kaveri-coffee', role: 'Creator' }),
  person(4, 'Arjun Menon', { workspace: 'kaveri-coffee', role: 'Analyst' }),
  person(5, 'Farah Khan', { workspace: 'kaveri-coffee', role: 'Viewer' }),
  person(6, 'Daniel Okafor', { workspace: 'ledgerloop', role: 'Owner' }),
  person(
    7,
    'Meera Iyer',
    { workspace: 'ledgerloop', role: 'Strategist' },
    { workspace: 'saffron-trails', role: 'Analyst' },
  ),
  person(8, 'Sofia Lindgren', { workspace: 'ledgerloop', role: 'Creator' }),
  person(9, 'Rohan Desai', { workspace: 'ledgerloop', role: 'Analyst' }),
  person(10, 'Grace Kim', { workspace: 'ledgerloop', role: 'Viewer' }),
  person(11, 'Imran Sheikh', { workspace: 'saffron-trails', role: 'Owner' }),
  person(12, 'Priya Nair', { workspace: 'saffron-trails', role: 'Strategist' }),
  person(13, 'Tomas Alvarez', { workspace: 'saffron-trails', role: 'Creator' }),
  person(14, 'Kavya Reddy', { workspace: 'saffron-trails', role: 'Viewer' }),
  person(15, 'Noor Haddad'),
];
