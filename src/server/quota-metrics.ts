import { Counter, Gauge, type Registry } from 'prom-client';
import { type QuotaOptions, Quotas } from '../context/quotas.ts';

/** Returns quotas, whose use and refusals are metrics of the registry. */
export function createQuotas(limits: QuotaOptions['limits'], registry?: Registry): Quotas {
  if (!registry) return new Quotas({ limits });
  const registers = [registry];
  const labelNames = ['resource', 'scope'] as const;
  const refusals = new Counter({
    name: 'codex_quota_refusals_total',
    help: 'Requests, sockets, streams and subscriptions refused since a person, an agent or a workspace had as many as they may.',
    labelNames,
    registers,
  });
  const quotas = new Quotas({
    limits,
    onRefusal: (resource, scope) => refusals.inc({ resource, scope }),
  });
  new Gauge({
    name: 'codex_quota_in_use',
    help: 'Requests, sockets, streams and subscriptions that people, agents and workspaces have now.',
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { count, ...labels } of quotas.inUse()) this.set(labels, count);
    },
  });
  return quotas;
}
