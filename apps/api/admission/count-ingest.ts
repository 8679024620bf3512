import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { BodyAdmission, FLUSH_SIZE_BOUNDS, IngestRates, IngestService, type FlushSizes } from '@tare/usage';
import { Metrics, type MetricFamily } from '../health/metrics.ts';

/** What stands in the way in, what was refused and how large flushes are, at /metrics. Never by tenant: there is no bound to those. */
export function countIngest(app: NestFastifyApplication): void {
  const [bodies, rates, ingest] = [app.get(BodyAdmission), app.get(IngestRates), app.get(IngestService)];
  app.get(Metrics).read(() => {
    const { held, groups, weight, refused, flushes } = ingest.readings;
    return [
      gauge('tare_ingest_queue_events', 'Events that wait or are being written.', held),
      gauge('tare_ingest_queue_characters', 'Characters of their contents.', weight),
      gauge('tare_ingest_queue_tenants', 'Tenants whose events those are.', groups),
      gauge('tare_ingest_bodies_bytes', 'Bytes of request bodies in memory.', bodies.heldBytes),
      {
        name: 'tare_ingest_refused_total',
        type: 'counter',
        help: 'Requests refused for now.',
        samples: Object.entries({ queue: refused, bodies: bodies.refused, rate: rates.refused }).map(([reason, count]) => [
          `tare_ingest_refused_total{reason="${reason}"}`,
          count,
        ]),
      },
      flushSizes('tare_ingest_flush_events', flushes),
    ];
  });
}

const gauge = (name: string, help: string, value: number): MetricFamily => ({ name, type: 'gauge', help, samples: [[name, value]] });

/** Prometheus counts each class with all below it. */
function flushSizes(name: string, { counts, flushes, items }: FlushSizes): MetricFamily {
  let below = 0;
  const classes = FLUSH_SIZE_BOUNDS.map((bound, place): [string, number] => {
    below += counts[place] ?? 0;
    return [`${name}_bucket{le="${bound}"}`, below];
  });
  return {
    name,
    type: 'histogram',
    help: 'Events of a flush.',
    samples: [...classes, [`${name}_bucket{le="+Inf"}`, flushes], [`${name}_sum`, items], [`${name}_count`, flushes]],
  };
}
