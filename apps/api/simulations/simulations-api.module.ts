import { Module } from '@nestjs/common';
import { SimulationsModule } from '@tare/simulations';
import { ScenarioResultsResolver, SimulationsResolver } from './simulations.resolver.ts';

@Module({ imports: [SimulationsModule], providers: [SimulationsResolver, ScenarioResultsResolver] })
export class SimulationsApiModule {}
