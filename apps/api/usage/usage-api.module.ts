import { Module } from '@nestjs/common';
import { UsageModule } from '@tare/usage';
import { UsageResolver } from './usage.resolver.ts';

@Module({ imports: [UsageModule], providers: [UsageResolver] })
export class UsageApiModule {}
