import { Module } from '@nestjs/common';
import { CreditsModule } from '@tare/credits';
import { CreditsResolver } from './credits.resolver.ts';

@Module({ imports: [CreditsModule], providers: [CreditsResolver] })
export class CreditsApiModule {}
