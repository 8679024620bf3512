import { Module } from '@nestjs/common';
import { EntitlementsService } from './entitlements.service.ts';

/** What a customer may do now. */
@Module({ providers: [EntitlementsService], exports: [EntitlementsService] })
export class EntitlementsModule {}
