/** Which of Stripe's two worlds a key opens. */
export type StripeEnvironment = 'test' | 'live';

export interface StripeOptions {
  /** Null: nothing is synced. */
  readonly secretKey: string | null;
  /** `http://host:port` of another endpoint than Stripe's own, such as the emulator. */
  readonly apiBase: string | null;
  /** The current signing secret of webhooks and, while it is being rolled, the previous one. */
  readonly webhookSecrets: readonly string[];
}

/** Where Stripe is and how to speak to it. */
export class StripeConfiguration {
  constructor(readonly options: StripeOptions) {
    if (options.apiBase !== null) new URL(options.apiBase);
  }

  /** STRIPE_SECRET_KEY, STRIPE_API_BASE and STRIPE_WEBHOOK_SECRET (two of them separated by a comma). Empty means not set. */
  static fromEnvironment(env: Readonly<Record<string, string | undefined>>): StripeConfiguration {
    const secrets = (env['STRIPE_WEBHOOK_SECRET'] ?? '').split(',').map((secret) => secret.trim());
    return new StripeConfiguration({
      secretKey: env['STRIPE_SECRET_KEY'] || null,
      apiBase: env['STRIPE_API_BASE'] || null,
      webhookSecrets: secrets.filter((secret) => secret !== ''),
    });
  }

  get isOn(): boolean {
    return this.options.secretKey !== null;
  }

  get environment(): StripeEnvironment {
    return /^(sk|rk)_live_/.test(this.options.secretKey ?? '') ? 'live' : 'test';
  }

  /** Invoices of a test tenant never reach real customers. */
  serves(tenant: { readonly live: boolean }): boolean {
    return this.isOn && (this.environment === 'test' || tenant.live);
  }
}
