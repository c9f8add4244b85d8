import type { Story } from '../../story.ts';

type Market = Pick<
  Story,
  | 'assets'
  | 'experiments'
  | 'debates'
  | 'recommendations'
  | 'competitors'
  | 'trends'
  | 'signals'
  | 'insights'
  | 'feedback'
>;

export const market: Market = {
  assets: [
    { name: 'A morning with the Mir family', type: 'video' },
    { name: 'What to pack for 3,500 metres', type: 'blog_post' },
    { name: 'Spring departures', type: 'landing_page' },
    { name: 'You are expected: letter to past guests', type: 'email' },
    { name: 'Timetable poster, Delhi to Leh', type: 'creative' },
    { name: 'Purple fields, one picture', type: 'social_post' },
    { name: 'Eight strangers in Khonoma', type: 'case_study' },
    { name: 'Where the money goes: host shares 2026', type: 'whitepaper' },
    { name: 'Departure page', type: 'template' },
    { name: 'Altitude card for the wallet', type: 'other' },
  ],
  experiments: [
    {
      hypothesis: 'Saying what is hard first brings better-matched guests',
      metric: 'satisfaction',
      variants: ['Hard parts first', 'Beauty first'],
      values: [4.8, 4.5],
      status: 'completed',
    },
    {
      hypothesis: 'A named host in the subject line lifts replies',
      metric: 'reply_rate',
      variants: ['Host name', 'Place name'],
      values: [0.083, 0.052],
      status: 'running',
    },
    {
      hypothesis: 'A deposit of 10 % fills departures sooner than 25 %',
      metric: 'days_to_fill',
      variants: ['10 %', '25 %'],
      values: [34, 41],
      status: 'stopped',
    },
  ],
  debates: [
    {
      topic: 'Advertising a region with a travel advisory',
      question: 'Do we pause Kashmir advertising while the advisory stands?',
      decision: 'Pause paid ads, keep the pages, call every booked guest.',
      positions: [
        'Hosts depend on these weeks.',
        'Guests must never find out from the news.',
        'Pages inform, ads persuade: treat them differently.',
      ],
    },
    {
      topic: 'Ten guests instead of eight',
      question: 'May the spring groups grow to ten?',
      decision: 'No. Eight is the promise; add a departure instead.',
      positions: [
        'Two more guests pay for the guide.',
        'Households have eight beds.',
        'A second departure costs less than a broken promise.',
      ],
    },
  ],
  recommendations: [
    {
      type: 'audience',
      text: 'Write to repeat guests a week before the public page',
      why: 'They book twice as fast and answer with questions that improve the page.',
    },
    {
      type: 'content',
      text: 'Let a doctor answer the altitude questions',
      why: 'A third of the undecided name safety.',
    },
    {
      type: 'channel',
      text: 'Move evenings from fairs to libraries',
      why: 'Library talks convert at 15 %, fairs at 1 %.',
    },
  ],
  competitors: [
    {
      name: 'Big Sky Tours',
      site: 'https://bigsky.example',
      note: 'Groups of 24, strong on price.',
      content: ['Kashmir in five days', 'Last-minute Ladakh'],
      pattern: 'Last-minute discounts on Wednesdays',
    },
    {
      name: 'Slow Atlas',
      site: 'https://slowatlas.example',
      note: 'Rail journeys from Berlin; new in India.',
      content: ['India by night train', 'Why we stopped flying'],
      pattern: 'Long reads on Sundays',
    },
    {
      name: 'HomeTrails',
      site: 'https://hometrails.example',
      note: 'A marketplace of home stays without guides.',
      content: ['Stay with Fatima', 'Ten kitchens'],
      pattern: 'Host portraits with recipes',
    },
  ],
  trends: [
    { topic: 'Night trains in Asia', stage: 'emerging' },
    { topic: 'Harvest travel', stage: 'peak' },
    { topic: 'Workations', stage: 'declining' },
  ],
  signals: [
    {
      title: 'Direct train to Srinagar announced for spring',
      text: 'The railway published a provisional timetable.',
      source: 'industry',
      findings: ['Delhi to Srinagar in 13 hours', 'Sleeper quota from March'],
      confidence: 83,
      relevance: 92,
      days: 10,
      cohort: 1,
      campaign: 2,
    },
    {
      title: 'Nordic travellers ask for fewer flights',
      text: 'Half of the answers to the autumn survey.',
      source: 'customer',
      findings: ['54 % would trade two days for one flight less'],
      confidence: 78,
      relevance: 86,
      days: 13,
      cohort: 0,
      campaign: 1,
    },
    {
      title: 'Slow Atlas opens an India desk',
      text: 'Three job offers and a landing page.',
      source: 'competitor',
      findings: ['Rail only', 'First departures in May'],
      confidence: 88,
      relevance: 74,
      days: 5,
      cohort: 1,
      competitor: 1,
      campaign: 2,
    },
    {
      title: 'Road to Kohima closed after a landslide',
      text: 'The public works department expects three weeks.',
      source: 'market',
      findings: ['Detour adds five hours'],
      confidence: 94,
      relevance: 80,
      days: 2,
      cohort: 0,
      campaign: 4,
    },
    {
      title: 'Harvest travel is the word of the season',
      text: 'Four magazines in a month.',
      source: 'trend',
      findings: ['Olives and saffron lead'],
      confidence: 64,
      relevance: 69,
      days: 22,
      cohort: 0,
    },
  ],
  insights: [
    {
      title: 'The new train makes Kashmir reachable without flying',
      type: 'opportunity',
      signals: [0, 1, 2],
      conclusions: ['We have until May before Slow Atlas arrives', 'Nordic guests pay in days'],
      actions: ['Reserve sleeper quota', 'A page for the route this month'],
      roi: 33,
    },
    {
      title: 'Guests fear the road more than the altitude',
      type: 'pattern',
      signals: [3],
      conclusions: ['A weekly road report calms more than a refund promise'],
      actions: ['Publish the report every Friday'],
      roi: 5,
    },
    {
      title: 'Harvest journeys beyond saffron are missing',
      type: 'gap',
      signals: [4, 1],
      conclusions: ['Cardamom and tea have the same story'],
      actions: ['Ask hosts in Idukki'],
      roi: 12,
    },
  ],
  feedback: [
    {
      title: 'Like family',
      text: 'We cried when we left. The boys write to each other.',
      sentiment: 'positive',
      source: 'review',
      cohort: 2,
    },
    {
      title: 'No word about the landslide',
      text: 'I read about the road in the newspaper, not from you.',
      sentiment: 'critical',
      source: 'phone',
      cohort: 0,
    },
    {
      title: 'Seats in the train',
      text: 'Upper berths are hard at 63. Please ask before booking.',
      sentiment: 'negative',
      source: 'email',
      cohort: 1,
    },
  ],
};
