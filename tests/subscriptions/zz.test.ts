import { it } from 'vitest';
import { validate, parse } from 'graphql';
import { schema } from '../../src/schema/index.ts';
import { queries } from './live-queries.test.ts';
it('x', () => { for (const q of queries) { const e = validate(schema, parse(q)); if (e.length) console.log(q.slice(0,80), e[0]?.message); } });
