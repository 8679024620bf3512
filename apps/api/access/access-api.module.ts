import { Module } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { UsageModule } from '@tare/usage';
import { AccessResolver } from './access.resolver.ts';

@Module({ imports: [AccessModule, UsageModule], providers: [AccessResolver] })
export class AccessApiModule {}
