/** Who reads a secret column: everyone who sees its row, or only Owners and trusted writers. */
export type SecretReaders = 'who sees the row' | 'Owners and trusted writers';

/**
 * The secret columns, by table: provider references, phone numbers, and the prompts and settings of
 * agents. No history shows them. Those that are hidden from some who see the row cannot be used in
 * filters or orders, and clients have no privilege on them.
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

/** Columns that are hidden from some who see the row. */
export const GUARDED_COLUMNS: readonly { table: string; column: string }[] = Object.entries(
  SECRET_COLUMNS,
).flatMap(([table, columns]) =>
  Object.entries(columns)
    .filter(([, readers]) => readers === 'Owners and trusted writers')
    .map(([column]) => ({ table, column })),
);
