import { Module } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { AccessResolver } from './access.resolver.ts';

@Module({ imports: [AccessModule], providers: [AccessResolver] })
export class AccessApiModule {}
