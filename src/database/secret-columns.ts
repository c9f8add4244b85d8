/** Who reads a secret column: everyone who sees its row, or only Owners and trusted writers. */
export type SecretReaders = 'who sees the row' | 'Owners and trusted writers';

/**
 * The columns that are secret, by table: provider references, phone numbers, and what makes an agent
 * what it is. No history shows them. Those that are not for everybody who sees the row cannot be
 * filtered or ordered by, and the database gives clients no privilege on them.
 */
export const SECRET_COLUMNS: Readonly<Record<string, Readonly<Record<string, SecretReaders>>>> = {
  agent_registry: {
    model_config: 'Owners and trusted writers',
    system_prompt: 'Owners and trusted writers',
  },
  autopay_payments: {
    payment_id: 'who sees the row',
    upi_transaction_ref: 'who sees the row',
  },
  autopay_subscriptions: { mobile_number: 'who sees the row' },
  billing_history: { transaction_id: 'who sees the row' },
  subscriptions: {
    stripe_customer_id: 'who sees the row',
    stripe_subscription_id: 'who sees the row',
  },
};

/** Those that not everybody reads who sees the row. */
export const GUARDED_COLUMNS: readonly { table: string; column: string }[] = Object.entries(
  SECRET_COLUMNS,
).flatMap(([table, columns]) =>
  Object.entries(columns)
    .filter(([, readers]) => readers === 'Owners and trusted writers')
    .map(([column]) => ({ table, column })),
);
