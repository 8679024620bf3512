export { SimulationsModule } from './simulations.module.ts';
export { SimulationsService } from './simulations.service.ts';
export type { ElasticityRange, ScenarioInput, SimulationInput } from './scenario.ts';
export type { ScenarioResult } from './simulation-run.ts';
export type { StoredSimulation } from './simulation.store.ts';
