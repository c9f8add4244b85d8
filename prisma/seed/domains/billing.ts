import type { Demo, WorkspaceDemo } from '../demo.ts';
import { demoPeople, demoWorkspaces } from '../people.ts';
import { at } from '../random.ts';
import type { Row } from '../writer.ts';

/** Price of a month in paise. */
const prices = { Ascent: 350_000, Glide: 750_000, Soar: 1_450_000 };

/** States of a charge in which money has moved. */
const moved = ['success', 'refunded'];

/** How each workspace came to its present mandate, the newest last. */
const mandates = {
  'kaveri-coffee': ['failed', 'cancelled', 'active'],
  ledgerloop: ['expired', 'pending', 'active'],
  'saffron-trails': ['cancelled', 'failed', 'paused'],
};

/** Returns the plan of every person: owners pay, the others are on the free one. */
export function planSubscriptionRows(demo: Demo): Row[] {
  return demoPeople.flatMap(({ id, memberships }, n) => {
    const owned = memberships.find(({ role }) => role === 'Owner');
    const workspace = demoWorkspaces.find(({ slug }) => slug === owned?.workspace);
    const base = { user_id: id, workspace_id: workspace?.id ?? null };
    const free = {
      ...base,
      id: demo.id('subscriptions', id, 'free'),
      plan: 'free',
      status: owned ? 'canceled' : 'active',
      stripe_customer_id: null,
      stripe_subscription_id: null,
      stripe_price_id: null,
      billing_period: 'monthly',
      current_period_start: null,
      current_period_end: null,
      trial_start: null,
      trial_end: null,
      metadata: {},
      created_at: demo.ago(320 - n * 2),
      updated_at: demo.ago(owned ? 275 : 320 - n * 2),
      canceled_at: owned ? demo.ago(275) : null,
    };
    const paid = {
      ...base,
      id: demo.id('subscriptions', id, 'paid'),
      plan: owned?.workspace === 'kaveri-coffee' ? 'soar' : 'glide',
      status: owned?.workspace === 'saffron-trails' ? 'past_due' : 'active',
      stripe_customer_id: `cus_demo${n}`,
      stripe_subscription_id: `sub_demo${n}`,
      stripe_price_id: `price_demo_${owned?.workspace === 'kaveri-coffee' ? 'soar' : 'glide'}`,
      billing_period: owned?.workspace === 'ledgerloop' ? 'yearly' : 'monthly',
      current_period_start: demo.ago(12),
      current_period_end: demo.ago(owned?.workspace === 'ledgerloop' ? -353 : -18),
      trial_start: demo.ago(289),
      trial_end: demo.ago(275),
      metadata: { source: 'onboarding' },
      created_at: demo.ago(275),
      updated_at: demo.ago(12),
      canceled_at: null,
    };
    // The person without a workspace has a trial.
    const trial = {
      ...paid,
      id: demo.id('subscriptions', id, 'trial'),
      plan: 'ascent',
      stripe_price_id: 'price_demo_ascent',
      status: 'trialing',
      billing_period: 'monthly',
      trial_start: demo.ago(4),
      trial_end: demo.ago(-10),
      created_at: demo.ago(4),
      updated_at: demo.ago(4),
    };
    if (owned) return [free, paid];
    return memberships.length === 0 ? [free, trial] : [free];
  });
}

export function billingRows(workspace: WorkspaceDemo): Record<string, Row[]> {
  const { demo, story, id, row, person } = workspace;
  const owner = person('Owner');
  const price = prices[story.plan];
  const plan = story.plan.toLowerCase();
  const statuses = mandates[story.slug];
  const reference = (n: number) => `${story.slug}-mandate-${n}`;
  return {
    billing_history: Array.from({ length: 9 }, (_, n) => {
      const status = at(
        ['success', 'success', 'failed', 'success', 'refunded', 'success', 'cancelled'],
        n + story.slug.length,
      );
      return {
        id: row('billing_history', n),
        user_id: owner,
        workspace_id: id,
        transaction_id: n === 0 ? null : `T${story.slug.length}${700_000 + n * 137}`,
        merchant_transaction_id: `${story.slug}-invoice-${n + 1}`,
        amount: n === 3 ? price + 99_000 : price,
        currency: 'INR',
        payment_method: at(['upi', 'card', 'netbanking'], n),
        plan,
        billing_period: 'monthly',
        status: n === 0 ? 'pending' : status,
        failure_reason: n > 0 && status === 'failed' ? 'The bank did not answer in time' : null,
        receipt_url:
          n > 0 && status === 'success'
            ? `https://receipts.example.com/${story.slug}/${n + 1}.pdf`
            : null,
        metadata: { gstin: '29ABCDE1234F1Z5', attempt: 1 },
        created_at: demo.ago(n * 30 + 1),
        updated_at: demo.ago(n * 30 + (n === 0 ? 1 : 0.9)),
      };
    }),
    autopay_subscriptions: statuses.map((status, n) => {
      const start = 250 - n * 80;
      const ended = status === 'cancelled' || status === 'expired' || status === 'failed';
      return {
        id: row('autopay_subscriptions', n),
        user_id: owner,
        workspace_id: id,
        subscription_id: status === 'pending' ? null : `SUB${story.slug.length}${n}042`,
        merchant_subscription_id: reference(n),
        plan,
        billing_period: n === 0 ? 'yearly' : 'monthly',
        billing_frequency: n === 0 ? 'YEARLY' : 'MONTHLY',
        amount: n === 0 ? price * 10 : price,
        currency: 'INR',
        mobile_number: '+91 90000 00000',
        status,
        start_date: demo.day(-start),
        end_date: ended ? demo.day(-start + 70) : demo.day(365 - start),
        next_billing_date: status === 'active' ? demo.day(18) : null,
        activated_at: status === 'pending' ? null : demo.ago(start),
        paused_at: status === 'paused' ? demo.ago(9) : null,
        pause_reason: status === 'paused' ? 'Quiet season' : null,
        resumed_at: status === 'active' ? demo.ago(40) : null,
        cancelled_at: status === 'cancelled' ? demo.ago(start - 70) : null,
        cancellation_reason: status === 'cancelled' ? 'Changed the bank account' : null,
        total_payments: n === 2 ? 8 : 0,
        successful_payments: n === 2 ? 4 : 0,
        failed_payments: n === 2 ? 1 : 0,
        created_at: demo.ago(start),
        updated_at: demo.ago(n === 2 ? 9 : start - 70),
      };
    }),
    autopay_payments: [
      ...['success', 'success', 'failed', 'refunded', 'success', 'success', 'processing'],
      'pending',
    ].map((status, n) => ({
      id: row('autopay_payments', n),
      workspace_id: id,
      merchant_subscription_id: reference(2),
      user_id: owner,
      payment_id: `${story.slug}-payment-${n + 1}`,
      amount: price,
      currency: 'INR',
      status,
      failure_reason: status === 'failed' ? 'Insufficient balance' : null,
      failure_code: status === 'failed' ? 'U30' : null,
      payment_method: 'upi',
      upi_transaction_ref: moved.includes(status) ? `4${n}2981004${n}` : null,
      payment_date: moved.includes(status) ? demo.ago(84 - n * 12) : null,
      retry_count: status === 'failed' ? 2 : 0,
      created_at: demo.ago(84 - n * 12),
      updated_at: demo.ago(84 - n * 12),
    })),
  };
}
