import type { Result, Results } from './medians.ts';
import { type ServerName, TITLES } from './servers/start-server.ts';

const PEER: ServerName = 'postgraphile';
const CONNECTIONS = 10;
const [WIDTH, LEFT, RIGHT, TOP, BAR, GAP] = [760, 300, 60, 76, 11, 12];
const COLOURS: Readonly<Record<ServerName, string>> = {
  gateway: '#2f6fdf',
  unaccelerated: '#8db4f5',
  postgraphile: '#999999',
  bare: '#3aa76d',
};
const TITLE = 'Requests a second, as a multiple of PostGraphile 5';
const STYLE =
  'text { font: 12px system-ui, sans-serif; fill: #24292f } .small { font-size: 10px } ' +
  '.title { font-size: 15px; font-weight: 600 } line { stroke: #999 } ' +
  '@media (prefers-color-scheme: dark) { text { fill: #d7dde3 } }';

/** Returns a drawing, as SVG, of requests a second as a ratio to PostGraphile's. Throws without those. */
export function plot({ results, rows, rounds }: Results): string {
  const shown = results.filter(isShown);
  const servers = [...new Set(shown.map(({ server }) => server))].filter((name) => name !== PEER);
  const requests = [...new Set(shown.map(({ request }) => request))];
  const most = Math.max(...shown.map(({ toPostgraphile }) => toPostgraphile ?? 0));
  if (!(most > 0)) throw new Error('There is nothing to plot without PostGraphile');
  const scale = (WIDTH - LEFT - RIGHT) / most;
  const step = servers.length * BAR + GAP;
  const height = TOP + requests.length * step + 24;
  const groups = requests.flatMap((request, index) => {
    const y = TOP + index * step;
    const of = (server: ServerName) =>
      shown.find((each) => each.request === request && each.server === server);
    const title = `${request}  ${of(PEER)?.title ?? ''}`;
    return [
      text(LEFT - 8, y + (servers.length * BAR) / 2 + 4, title, 'text-anchor="end"'),
      ...servers.flatMap((server, place) => bar(of(server), y + place * BAR, scale)),
    ];
  });
  const one = LEFT + scale;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${TITLE}</title>`,
    `<style>${STYLE}</style>`,
    text(12, 22, TITLE, 'class="title"'),
    text(
      12,
      40,
      `${rows.toLocaleString('en')} rows, ${CONNECTIONS} connections (M2: 1), medians (rounds: ${rounds})`,
    ),
    ...servers.flatMap((server, place) => [
      `<rect x="${12 + place * 200}" y="50" width="10" height="10" fill="${COLOURS[server]}"/>`,
      text(26 + place * 200, 59, TITLES[server], 'class="small"'),
    ]),
    ...groups,
    `<line x1="${one}" x2="${one}" y1="${TOP - 6}" y2="${height - 20}" stroke-dasharray="3 3"/>`,
    text(one, height - 8, 'PostGraphile', 'class="small" text-anchor="middle"'),
    '</svg>',
  ].join('\n')}\n`;
}

function isShown({ series, request, connections }: Result): boolean {
  return series === undefined && connections === (request === 'M2' ? 1 : CONNECTIONS);
}

function bar(result: Result | undefined, y: number, scale: number): string[] {
  const ratio = result?.toPostgraphile;
  if (!result || typeof ratio !== 'number') return [];
  const width = (ratio * scale).toFixed(1);
  return [
    `<rect x="${LEFT}" y="${y}" width="${width}" height="${BAR - 1}" fill="${COLOURS[result.server]}"/>`,
    text(LEFT + Number(width) + 4, y + BAR - 2, ratio.toFixed(2), 'class="small"'),
  ];
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(0)}" y="${y.toFixed(0)}" ${attributes}>${escaped}</text>`;
}
