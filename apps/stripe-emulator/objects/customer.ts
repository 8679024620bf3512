import { type Metadata } from '../params.ts';

export interface Customer {
  id: string;
  object: 'customer';
  address: Record<string, string> | null;
  /** Minor units; negative is a credit of the customer, positive is owed by it. */
  balance: number;
  created: number;
  currency: string | null;
  default_source: null;
  deleted?: true;
  delinquent: boolean;
  description: string | null;
  discount: null;
  email: string | null;
  invoice_prefix: string;
  invoice_settings: { custom_fields: null; default_payment_method: null; footer: null; rendering_options: null };
  livemode: false;
  metadata: Metadata;
  name: string | null;
  next_invoice_sequence: number;
  phone: string | null;
  preferred_locales: string[];
  shipping: null;
  tax_exempt: 'none' | 'exempt' | 'reverse';
  test_clock: null;
}
