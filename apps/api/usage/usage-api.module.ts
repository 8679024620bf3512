import { Module } from '@nestjs/common';
import { MeterUsageModule, UsageModule } from '@tare/usage';
import { MeterUsageResolver } from './meter-usage.resolver.ts';
import { UsageResolver } from './usage.resolver.ts';

@Module({ imports: [MeterUsageModule, UsageModule], providers: [MeterUsageResolver, UsageResolver] })
export class UsageApiModule {}
