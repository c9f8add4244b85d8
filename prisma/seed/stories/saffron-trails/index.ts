import type { Story } from '../../story.ts';
import { alerts } from './alerts.ts';
import { market } from './market.ts';
import { plan } from './plan.ts';

export const saffronTrails: Story = {
  slug: 'saffron-trails',
  plan: 'Ascent',
  industry: 'Travel',
  size: 0.55,
  channels: ['email', 'instagram', 'library', 'messaging'],
  cities: ['Gothenburg', 'Oslo', 'Pune', 'Delhi', 'Leh'],
  products: ['Pampore harvest', 'Ladakh overland', 'Khonoma feast', 'Backwater school'],
  ...plan,
  ...market,
  alerts,
};
