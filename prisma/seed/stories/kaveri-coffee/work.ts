import type { Story } from '../../story.ts';

type Work = Pick<Story, 'assets' | 'experiments' | 'debates' | 'recommendations'>;

export const work: Work = {
  assets: [
    { name: 'How the monsoon wind changes a bean', type: 'video' },
    { name: 'Nine days: from drum to doorstep', type: 'landing_page' },
    { name: 'Harvest diary: Baba Budangiri', type: 'blog_post' },
    { name: 'Tuesday letter: the waiting list opens', type: 'email' },
    { name: 'Roast-date reel, week 46', type: 'social_post' },
    { name: 'How Quanta cut its coffee bill by 31 %', type: 'case_study' },
    { name: 'The cost of a cup: office coffee in six cities', type: 'whitepaper' },
    { name: 'Gift box key visual', type: 'creative' },
    { name: 'Tasting card, A6', type: 'template' },
    { name: 'Grind guide in Kannada, Tamil and English', type: 'other' },
  ],
  experiments: [
    {
      hypothesis: 'A roast date in the subject line lifts opens among ritual brewers',
      metric: 'open_rate',
      variants: ['Roasted on Monday', 'Your new harvest is here'],
      values: [0.412, 0.336],
      status: 'completed',
    },
    {
      hypothesis: 'Pausing in one tap lowers cancellations more than a discount does',
      metric: 'cancellation_rate',
      variants: ['One-tap pause', '20 % discount'],
      values: [0.031, 0.038],
      status: 'running',
    },
    {
      hypothesis: 'Printing the price paid to the farmer raises conversion',
      metric: 'conversion_rate',
      variants: ['Price printed', 'Story only'],
      values: [0.046, 0.041],
      status: 'completed',
    },
    {
      hypothesis: 'Two letters a week sell more boxes than one',
      metric: 'unsubscribe_rate',
      variants: ['One letter', 'Two letters'],
      values: [0.004, 0.017],
      status: 'stopped',
    },
    {
      hypothesis: 'QR codes on cafe windows bring first orders',
      metric: 'first_orders',
      variants: ['QR code', 'Short address'],
      values: [18, 16],
      status: 'failed',
    },
  ],
  debates: [
    {
      topic: 'A second letter each week',
      question: 'Should the launch letter go out twice a week until the harvest is sold?',
      decision: 'No. One letter on Tuesday; urgent news goes to the waiting list only.',
      positions: [
        'Two letters sold 14 % more boxes in the last launch.',
        'Unsubscribes quadrupled with the second letter; those readers do not come back.',
        'Send the second letter to people who clicked the first, and measure again.',
      ],
    },
    {
      topic: 'Discounts for the first box',
      question: 'Is half price on the first box worth its cost?',
      decision: 'Keep it for students; for everybody else add a tasting set instead.',
      positions: [
        'Half-price buyers churn twice as fast after the second box.',
        'Without an offer, paid channels do not reach break-even.',
        'A tasting set costs us ₹140 and teaches people to taste.',
      ],
    },
    {
      topic: 'Chicory on the label',
      question: 'Do we print the chicory share in large type?',
      decision: 'Yes, in large type: loyalists look for it, others for its absence.',
      positions: [
        'Hiding it breaks the rule of naming what is inside.',
        'Large type scares ritual brewers away from the shelf.',
        'Two lines of bags solve both.',
      ],
    },
  ],
  recommendations: [
    {
      type: 'timing',
      text: 'Send the Tuesday letter at 7:10 instead of 9:00',
      why: 'Ritual brewers open letters while the kettle heats.',
    },
    {
      type: 'budget',
      text: 'Move ₹60,000 from display ads to tasting evenings',
      why: 'Tastings cost ₹310 a new subscriber, display ₹1,150.',
    },
    {
      type: 'content',
      text: 'Show the roast date in the first two seconds of every reel',
      why: 'Reels that open on the date hold 22 % more viewers.',
    },
    {
      type: 'audience',
      text: 'Leave gift givers out of harvest letters',
      why: 'They make up half of the unsubscribes and 3 % of the sales.',
    },
    {
      type: 'channel',
      text: 'Answer reviews before posting new reels',
      why: 'Unanswered reviews are the first thing that new visitors read.',
    },
  ],
};
