import { Module } from '@nestjs/common';
import { EntitlementsModule } from '@tare/entitlements';
import { EntitlementsResolver } from './entitlements.resolver.ts';

@Module({ imports: [EntitlementsModule], providers: [EntitlementsResolver] })
export class EntitlementsApiModule {}
