import { Module } from '@nestjs/common';
import { CatalogModule } from '@tare/catalog';
import { MetersResolver } from './meters.resolver.ts';

@Module({ imports: [CatalogModule], providers: [MetersResolver] })
export class MetersApiModule {}
