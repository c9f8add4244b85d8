import type { Story } from '../../story.ts';
import { alerts } from './alerts.ts';
import { market } from './market.ts';
import { plan } from './plan.ts';

export const ledgerLoop: Story = {
  slug: 'ledgerloop',
  plan: 'Glide',
  industry: 'Financial software',
  size: 0.75,
  channels: ['linkedin', 'email', 'search', 'webinar', 'partner'],
  cities: ['Mumbai', 'Bengaluru', 'Singapore', 'London', 'Delhi'],
  products: ['Nightly match', 'Tax check', 'Audit room', 'Entity pack'],
  ...plan,
  ...market,
  alerts,
};
