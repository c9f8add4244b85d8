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
    { name: 'How Meridian Textiles closes in 2.5 days', type: 'case_study' },
    { name: 'The month-end benchmark', type: 'whitepaper' },
    { name: 'A close in ninety seconds', type: 'video' },
    { name: 'Seven error codes of the e-invoice portal', type: 'blog_post' },
    { name: 'Poll: which day did you close?', type: 'social_post' },
    { name: 'Two days to go', type: 'email' },
    { name: 'Hours at month-end: the calculator', type: 'landing_page' },
    { name: 'Calm desk visual', type: 'creative' },
    { name: 'Due diligence folder', type: 'template' },
    { name: 'Partner agreement, annotated', type: 'other' },
  ],
  experiments: [
    {
      hypothesis: 'A demo on your own data converts better than a sample company',
      metric: 'trial_to_paid',
      variants: ['Own data', 'Sample company'],
      values: [0.142, 0.096],
      status: 'completed',
    },
    {
      hypothesis: 'Naming the error code in the ad lowers the cost of a sign-up',
      metric: 'cost_per_signup',
      variants: ['Error code', 'Benefit'],
      values: [3950, 5200],
      status: 'running',
    },
    {
      hypothesis: 'Prices on the page bring fewer but better leads',
      metric: 'qualified_rate',
      variants: ['Prices shown', 'Ask us'],
      values: [0.31, 0.22],
      status: 'completed',
    },
    {
      hypothesis: 'A shorter form brings more benchmark answers',
      metric: 'completion_rate',
      variants: ['Six questions', 'Fourteen questions'],
      values: [0.64, 0.61],
      status: 'failed',
    },
  ],
  debates: [
    {
      topic: 'Prices on the page',
      question: 'Do we publish prices for the mid-market plan?',
      decision: 'Publish from the smallest entity count; larger ones see a calculator.',
      positions: [
        'Controllers leave when they must ask for a price.',
        'Published prices become the ceiling in every negotiation.',
        'A calculator gives a range without a promise.',
      ],
    },
    {
      topic: 'Fear in the deadline campaign',
      question: 'May the e-invoicing campaign mention penalties?',
      decision: 'Only with the source and the amount, never in a headline.',
      positions: [
        'Penalties are facts that readers need.',
        'Fear brings sign-ups that churn after the deadline.',
        'State it once, in the checklist, with the link to the rule.',
      ],
    },
  ],
  recommendations: [
    {
      type: 'timing',
      text: 'Send nothing between the 28th and the 4th',
      why: 'Controllers close; replies fall by 70 % and complaints double.',
    },
    {
      type: 'audience',
      text: 'Score accounts by the number of legal entities',
      why: 'Above five entities the win rate is three times as high.',
    },
    {
      type: 'content',
      text: 'Put the audit trail before the automation',
      why: 'Controllers who see the trail first book twice as many demos.',
    },
    {
      type: 'budget',
      text: 'Pause brand ads until the deadline campaign ends',
      why: 'Both bid on the same words and raise the price by a fifth.',
    },
  ],
  competitors: [
    {
      name: 'CloseFast',
      site: 'https://closefast.example',
      note: 'Enterprise tool from Chicago; implementation takes nine months.',
      content: ['The autonomous close', 'Analyst report: leader again', 'Office of the CFO'],
      pattern: 'Analyst reports every quarter',
    },
    {
      name: 'TallyBridge',
      site: 'https://tallybridge.example',
      note: 'Cheap connector that many small firms start with.',
      content: ['Import in one click', 'Free for one entity', 'Why connectors win'],
      pattern: 'Free tier with a paid export',
    },
    {
      name: 'Taxwise Asia',
      site: 'https://taxwise.example',
      note: 'Strong in Singapore and Malaysia, no reconciliation.',
      content: ['InvoiceNow explained', 'Peppol for beginners', 'Tax calendar'],
      pattern: 'Explainers within a day of a new rule',
    },
  ],
  trends: [
    { topic: 'Continuous accounting', stage: 'emerging' },
    { topic: 'E-invoicing mandates', stage: 'peak' },
    { topic: 'Blockchain audit', stage: 'declining' },
    { topic: 'Finance teams hiring engineers', stage: 'emerging' },
  ],
  signals: [
    {
      title: 'E-invoicing threshold falls to ₹3 crore',
      text: 'The notification names the first of next quarter as the start.',
      source: 'industry',
      findings: ['About 190,000 firms are newly covered', 'No grace period this time'],
      confidence: 97,
      relevance: 93,
      days: 19,
      cohort: 1,
      campaign: 1,
    },
    {
      title: 'CloseFast drops its starter plan',
      text: 'Customers below $40,000 a year were told to move within 120 days.',
      source: 'competitor',
      findings: ['Forum threads with 300 replies', 'Migration help is asked for, not price'],
      confidence: 90,
      relevance: 91,
      days: 6,
      cohort: 0,
      competitor: 0,
      campaign: 0,
    },
    {
      title: 'Controllers name unexplained differences as the worst part',
      text: 'Sixty-one per cent of 412 benchmark answers.',
      source: 'customer',
      findings: ['Matching itself comes third', 'Auditors ask for the trail in 8 of 10 firms'],
      confidence: 89,
      relevance: 87,
      days: 11,
      cohort: 0,
      campaign: 0,
    },
    {
      title: 'Peppol adoption in India discussed in the council',
      text: 'The minutes mention a pilot with two states.',
      source: 'market',
      findings: ['No date', 'The portal stays'],
      confidence: 48,
      relevance: 66,
      days: 14,
      cohort: 1,
      competitor: 2,
    },
    {
      title: 'Search for error code 2172 tripled',
      text: 'The portal rejects supplies to special zones since its update.',
      source: 'trend',
      findings: ['11,000 searches a week', 'No good answer on the first page'],
      confidence: 86,
      relevance: 82,
      days: 5,
      cohort: 1,
      campaign: 1,
    },
    {
      title: 'Audit firms hire automation leads',
      text: 'Thirty job offers in a month, all of them name evidence exports.',
      source: 'industry',
      findings: ['Mumbai and Singapore lead'],
      confidence: 73,
      relevance: 70,
      days: 16,
      cohort: 3,
      campaign: 2,
    },
  ],
  insights: [
    {
      title: 'CloseFast leaves the mid-market: 120 days to win its customers',
      type: 'opportunity',
      signals: [1, 2],
      conclusions: ['They fear migration more than price', 'The trail is our difference'],
      actions: ['Migration promise with a date', 'Call list of 85 accounts'],
      roi: 44,
    },
    {
      title: 'The new threshold creates demand that ends on a date',
      type: 'trend',
      signals: [0, 4, 3],
      conclusions: ['Clinics convert better than ads', 'Error codes are the entry point'],
      actions: ['Answer pages for ten error codes', 'Second clinic on Thursdays'],
      roi: 27,
    },
    {
      title: 'Deadline customers leave when the deadline has passed',
      type: 'threat',
      signals: [0],
      conclusions: ['Last year 38 % churned within four months'],
      actions: ['Offer reconciliation in week two'],
      roi: 8,
    },
    {
      title: 'Nobody exports evidence the way auditors file it',
      type: 'gap',
      signals: [5, 2],
      conclusions: ['Folder structure matters more than format'],
      actions: ['Build the export with two firms'],
      roi: 19,
    },
  ],
  feedback: [
    {
      title: 'Two evenings back',
      text: 'We closed October in four days. My team went home at six.',
      sentiment: 'positive',
      source: 'interview',
      cohort: 0,
    },
    {
      title: 'Import stops at 50,000 lines',
      text: 'The import ended without a message. We noticed the gap a week later.',
      sentiment: 'critical',
      source: 'ticket',
      cohort: 0,
    },
    {
      title: 'Which states are covered?',
      text: 'The page lists countries but not states.',
      sentiment: 'neutral',
      source: 'chat',
      cohort: 1,
    },
  ],
};
