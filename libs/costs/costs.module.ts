import { Module } from '@nestjs/common';
import { CatalogModule } from '@tare/catalog';
import { UsageModule } from '@tare/usage';
import { CostingTaskStore } from './costing-task.store.ts';
import { PoolHours } from './pool-hours.ts';
import { RecostingService } from './recosting.service.ts';

/** What usage cost us, once more is known than at ingest. */
@Module({
  imports: [CatalogModule, UsageModule],
  providers: [CostingTaskStore, PoolHours, RecostingService],
  exports: [PoolHours, RecostingService],
})
export class CostsModule {}
