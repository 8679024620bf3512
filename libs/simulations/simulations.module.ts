import { Module } from '@nestjs/common';
import { BillingModule } from '@tare/billing';
import { CatalogModule } from '@tare/catalog';
import { CreditsModule } from '@tare/credits';
import { CustomersModule } from '@tare/customers';
import { MarginsModule } from '@tare/margins';
import { CandidateWorld } from './candidate-world.ts';
import { RealWorld } from './real-world.ts';
import { ScenarioPlans } from './scenario-plans.ts';
import { SimulationRun } from './simulation-run.ts';
import { SimulationStore } from './simulation.store.ts';
import { SimulationsService } from './simulations.service.ts';

/** What if. */
@Module({
  imports: [CatalogModule, CustomersModule, CreditsModule, BillingModule, MarginsModule],
  providers: [ScenarioPlans, RealWorld, CandidateWorld, SimulationRun, SimulationStore, SimulationsService],
  exports: [SimulationsService],
})
export class SimulationsModule {}
