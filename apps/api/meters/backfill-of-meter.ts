import { Injectable } from '@nestjs/common';
import { MeterRollups, type MeterBackfill, type MeterToRead } from '@tare/usage';
import DataLoader from 'dataloader';

type Loader = DataLoader<MeterToRead, MeterBackfill | undefined>;

/** How far the meters of one request are rolled up, read together: a page of meters is one query. */
@Injectable()
export class BackfillOfMeter {
  /** By the GraphQL context, which there is one of for each request. */
  private readonly loaders = new WeakMap<object, Loader>();

  constructor(private readonly rollups: MeterRollups) {}

  async load(request: object, tenantId: string, meter: MeterToRead): Promise<MeterBackfill> {
    let loader = this.loaders.get(request);
    if (loader === undefined) {
      loader = new DataLoader((meters) => this.loadMany(tenantId, meters));
      this.loaders.set(request, loader);
    }
    const backfill = await loader.load(meter);
    if (backfill === undefined) throw new Error(`nothing is known of the roll-up of the meter "${meter.key}"`);
    return backfill;
  }

  private async loadMany(tenantId: string, meters: readonly MeterToRead[]): Promise<(MeterBackfill | undefined)[]> {
    const backfills = await this.rollups.backfills(tenantId, meters);
    return meters.map(({ id }) => backfills.get(id));
  }
}
