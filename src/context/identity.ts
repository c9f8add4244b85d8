/** A signed-in person. */
export interface PersonIdentity {
  kind: 'person';
  id: string;
  /** From the token; absent if it has none. */
  email?: string;
  /** When the token stops being valid. */
  expiresAt: Date;
}

/** An agent, and what its token allows it to do. */
export interface AgentIdentity {
  kind: 'agent';
  /** Its name in the registry. */
  name: string;
  scopes: readonly string[];
  /** When the token stops being valid. */
  expiresAt: Date;
}

/** The sender that a verified token names. */
export type Identity = PersonIdentity | AgentIdentity;
