import type { Story } from '../../story.ts';
import { alerts } from './alerts.ts';
import { campaigns } from './campaigns.ts';
import { market } from './market.ts';
import { plan } from './plan.ts';
import { work } from './work.ts';

export const kaveriCoffee: Story = {
  slug: 'kaveri-coffee',
  plan: 'Soar',
  industry: 'Food and drink',
  size: 1,
  channels: ['instagram', 'email', 'youtube', 'whatsapp', 'cafe'],
  cities: ['Bengaluru', 'Mumbai', 'Pune', 'Hyderabad', 'Kochi', 'Berlin', 'Dubai'],
  products: ['Monsoon Malabar', 'Baba Budangiri', 'House filter', 'Cold brew', 'Office box'],
  ...plan,
  campaigns,
  ...work,
  ...market,
  alerts,
};
