import { Module } from '@nestjs/common';
import { StripeModule } from '@tare/stripe';
import { StripeWebhooksController } from './stripe-webhooks.controller.ts';

@Module({ imports: [StripeModule.register()], controllers: [StripeWebhooksController] })
export class StripeApiModule {}
