/** A table that writers change, and how each change of its rows is identified. */
export interface TableOptions {
  name: string;
  model: string;
  /** Of the subscription to all its changes, and of the list. */
  changed: string;
  list: string;
  /** The text that identifies a row whose id is unknown. */
  title: string;
  titleField: string;
  /** What else a new row has: a column with its type and its field. */
  fixed: Record<string, [column: string, type: string, value: string]>;
  /**
   * Columns for updates: the n-th update of a row changes those that are bits of n. The changed columns that a client
   * receives give the number, whatever the row contains by then.
   */
  bits: readonly (readonly [column: string, field: string])[];
}

export class Table {
  readonly options: TableOptions;

  constructor(options: TableOptions) {
    this.options = options;
  }

  get name(): string {
    return this.options.name;
  }

  /** How many updates of a row can be distinguished. */
  get maxUpdates(): number {
    return 2 ** this.options.bits.length - 1;
  }

  /** Columns, or fields, of the n-th update of a row, with their new values. */
  updated(n: number, names: 'columns' | 'fields'): [name: string, value: string][] {
    const position = names === 'columns' ? 0 : 1;
    return this.options.bits
      .filter((_, i) => n & (1 << i))
      .map((bit) => [bit[position], newValue(bit[0], n)]);
  }

  /** The number of the update; 0 if no writer made it. */
  updateOf(changed: readonly string[], names: 'columns' | 'fields'): number {
    const position = names === 'columns' ? 0 : 1;
    return this.options.bits.reduce(
      (n, bit, i) => (changed.includes(bit[position]) ? n | (1 << i) : n),
      0,
    );
  }
}

/** The value that the n-th update of a row gives to a column; links have to be links. */
export function newValue(column: string, n: number): string {
  return column.endsWith('_url') ? `https://example.org/${n}` : `update ${n}`;
}

export const alerts = new Table({
  name: 'system_alerts',
  model: 'SystemAlert',
  changed: 'systemAlertChanged',
  list: 'systemAlerts',
  title: 'title',
  titleField: 'title',
  fixed: { alertType: ['alert_type', 'alert_type', 'anomaly'] },
  bits: [
    ['description', 'description'],
    ['message', 'message'],
    ['action_taken', 'actionTaken'],
    ['triggered_by_event', 'triggeredByEvent'],
    ['action_url', 'actionUrl'],
  ],
});

export const insights = new Table({
  name: 'market_insights',
  model: 'MarketInsight',
  changed: 'marketInsightChanged',
  list: 'marketInsights',
  title: 'insight_title',
  titleField: 'insightTitle',
  fixed: { insightType: ['insight_type', 'insight_type', 'trend'] },
  bits: [
    ['insight_description', 'insightDescription'],
    ['category', 'category'],
    ['potential_impact', 'potentialImpact'],
  ],
});

export const campaigns = new Table({
  name: 'campaigns',
  model: 'Campaign',
  changed: 'campaignChanged',
  list: 'campaigns',
  title: 'name',
  titleField: 'name',
  fixed: {},
  bits: [
    ['description', 'description'],
    ['objective', 'objective'],
  ],
});

/** Rows of persons, which nobody else receives. */
export const notifications = new Table({
  name: 'user_notifications',
  model: 'UserNotification',
  changed: 'userNotificationChanged',
  list: 'userNotifications',
  title: 'title',
  titleField: 'title',
  fixed: {
    type: ['notification_type', 'notification_type', 'message'],
    message: ['message', 'text', 'Written by a writer.'],
  },
  bits: [
    ['description', 'description'],
    ['delivery_method', 'deliveryMethod'],
    ['action_label', 'actionLabel'],
    ['call_to_action', 'callToAction'],
    ['action_url', 'actionUrl'],
  ],
});

export const TABLES: readonly Table[] = [alerts, insights, campaigns, notifications];

/** Returns the table of a nodeId, and the row's id. */
export function rowOf(nodeId: string): { table: Table | undefined; id: string } {
  const [model, id = ''] = Buffer.from(nodeId, 'base64').toString().split(':');
  return { table: TABLES.find(({ options }) => options.model === model), id };
}
