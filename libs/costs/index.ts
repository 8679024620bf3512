export { CostsModule } from './costs.module.ts';
export { PoolHours, type SharedCost, type SharedCostQuery } from './pool-hours.ts';
export { RecostingService, type RecostingResult } from './recosting.service.ts';
