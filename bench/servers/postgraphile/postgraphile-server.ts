// PostGraphile as its documentation sets it up: the Amber preset, a pool of its own, and for each
// request the role, claims and workspace that the gateway sets too.
import { createServer } from 'node:http';
import { PgAggregatesPreset } from '@graphile/pg-aggregates';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { jsonPgSmartTags } from 'postgraphile/utils';

const { DATABASE_URL = '', DATABASE_POOL_SIZE, PORT } = process.env;
const { BENCH_AGGREGATES, BENCH_CLAIMS = '', BENCH_WORKSPACE = '' } = process.env;

const tags = jsonPgSmartTags({
  version: 1,
  config: {
    // Names that PostGraphile would give to two things.
    class: { 'public.subscriptions': { tags: { name: 'plan_subscription' } } },
    type: { 'public.achievement_condition': { tags: { name: 'achievement_condition_kind' } } },
    procedure: {
      'public.create_system_alert': { tags: { behavior: '-*' } },
      // A list, as the gateway has it, and not a connection.
      'public.support_feedback_related_cohorts': { tags: { behavior: '+list -connection' } },
    },
  },
});

const preset: GraphileConfig.Preset = {
  extends: [PostGraphileAmberPreset, ...(BENCH_AGGREGATES === 'true' ? [PgAggregatesPreset] : [])],
  plugins: [tags],
  pgServices: [
    makePgService({
      connectionString: DATABASE_URL,
      schemas: ['public'],
      poolConfig: { max: Number(DATABASE_POOL_SIZE) },
    }),
  ],
  grafast: {
    context: () => ({
      pgSettings: {
        role: 'authenticated',
        'request.jwt.claims': BENCH_CLAIMS,
        'app.current_workspace_id': BENCH_WORKSPACE,
        timezone: 'UTC',
      },
    }),
  },
  grafserv: { graphiql: false, websockets: false, watch: false },
};

const server = createServer();
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(Number(PORT), '127.0.0.1');
process.once('SIGINT', () => process.exit());
