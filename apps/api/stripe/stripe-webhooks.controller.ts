import { Controller, Headers, HttpCode, Param, Post, Req } from '@nestjs/common';
import { StripeWebhooks } from '@tare/stripe';
import { PublicRoute } from '../auth/require-scope.ts';

/** The request as the body parser leaves it: the bytes that were signed. */
interface RawRequest {
  readonly rawBody?: Buffer;
}

/** What Stripe tells. It carries no key of ours but a signature, which is checked over the bytes that came; the parsed body is never looked at. */
@Controller('webhooks/stripe')
@PublicRoute()
export class StripeWebhooksController {
  constructor(private readonly webhooks: StripeWebhooks) {}

  /** For all tenants of the Stripe account: each invoice says whose it is. */
  @Post()
  @HttpCode(200)
  async receive(@Req() request: RawRequest, @Headers('stripe-signature') signature: string | undefined): Promise<{ received: true }> {
    await this.webhooks.receive(request.rawBody ?? Buffer.alloc(0), signature ?? '');
    return { received: true };
  }

  /** For one tenant: events of others are answered and forgotten. */
  @Post(':tenantId')
  @HttpCode(200)
  async receiveForTenant(
    @Param('tenantId') tenantId: string,
    @Req() request: RawRequest,
    @Headers('stripe-signature') signature: string | undefined,
  ): Promise<{ received: true }> {
    await this.webhooks.receive(request.rawBody ?? Buffer.alloc(0), signature ?? '', tenantId);
    return { received: true };
  }
}
