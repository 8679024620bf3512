import { Module } from '@nestjs/common';
import { MarginsModule } from '@tare/margins';
import { MarginsResolver } from './margins.resolver.ts';

@Module({ imports: [MarginsModule], providers: [MarginsResolver] })
export class MarginsApiModule {}
