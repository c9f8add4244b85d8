import type { Story } from '../story.ts';
import { kaveriCoffee } from './kaveri-coffee/index.ts';
import { ledgerLoop } from './ledgerloop/index.ts';
import { saffronTrails } from './saffron-trails/index.ts';

export const stories: Story[] = [kaveriCoffee, ledgerLoop, saffronTrails];
