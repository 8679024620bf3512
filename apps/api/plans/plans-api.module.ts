import { Module } from '@nestjs/common';
import { CatalogModule } from '@tare/catalog';
import { PlansResolver } from './plans.resolver.ts';

@Module({ imports: [CatalogModule], providers: [PlansResolver] })
export class PlansApiModule {}
