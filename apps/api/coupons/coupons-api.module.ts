import { Module } from '@nestjs/common';
import { CatalogModule } from '@tare/catalog';
import { CouponsResolver } from './coupons.resolver.ts';

@Module({ imports: [CatalogModule], providers: [CouponsResolver] })
export class CouponsApiModule {}
