import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { ApiKeyScope, SellerInput as Seller, TenantSettingsInput as SettingsInput } from '@tare/access';
import type { Decimal, Instant } from '@tare/core';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';

/** The scopes as GraphQL names them. */
export const ApiKeyScopeEnum = { INGEST: 'INGEST', READ: 'READ', WRITE: 'WRITE', ADMIN: 'ADMIN' } as const satisfies Record<
  ApiKeyScope,
  ApiKeyScope
>;

registerEnumType(ApiKeyScopeEnum, {
  name: 'ApiKeyScope',
  description: 'What a key may do.',
  valuesMap: {
    INGEST: { description: 'Send usage.' },
    READ: { description: 'Ask.' },
    WRITE: { description: 'Change; includes READ.' },
    ADMIN: { description: 'Everything, and manage keys and settings.' },
  },
});

@ObjectType('ApiKey', { description: 'A key as it is kept: without its secret.' })
export class ApiKeyType {
  @Field(() => ID) id!: string;
  @Field() name!: string;
  @Field({ description: "The secret's first characters." }) prefix!: string;
  @Field(() => [ApiKeyScopeEnum]) scopes!: readonly ApiKeyScope[];
  @Field(() => DateTimeScalar) createdAt!: Instant;
  @Field(() => DateTimeScalar, { nullable: true }) expiresAt!: Instant | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'To the minute.' }) lastUsedAt!: Instant | null;
  @Field(() => DateTimeScalar, { nullable: true }) revokedAt!: Instant | null;
  @Field(() => Int, { nullable: true, description: 'Events it may send in a second, in each API process; null: as many as its tenant.' })
  eventsPerSecond!: number | null;
}

@ObjectType('CreatedApiKey')
export class CreatedApiKeyType {
  @Field(() => ApiKeyType) apiKey!: ApiKeyType;
  @Field({ description: 'Shown this once and kept nowhere.' }) secret!: string;
}

@ObjectType('Tenant')
export class TenantType {
  @Field(() => ID) id!: string;
  @Field() name!: string;
  @Field({ description: 'A live tenant is billed by the real clock; a test tenant may be billed at any time.' }) live!: boolean;
}

@ObjectType('Seller', { description: 'What invoices say of the tenant.' })
export class SellerType {
  @Field(() => String, { nullable: true, description: "The company's name; none: that of the tenant." }) name!: string | null;
  @Field(() => String, { nullable: true, description: 'Its address, a line for each line.' }) address!: string | null;
  @Field(() => String, { nullable: true, description: 'Its tax number, as it is written on invoices.' }) taxId!: string | null;
  @Field(() => String, { nullable: true, description: 'Where customers ask about an invoice.' }) email!: string | null;
  @Field(() => String, { nullable: true, description: 'Stands at the end of every invoice that is not void: terms, bank account.' }) note!:
    string | null;
}

@InputType({ description: 'What is left out stays as it is; null or an empty text takes it away.' })
export class SellerInput implements Seller {
  @Field(() => String, { nullable: true, description: 'At most 200 characters.' }) name?: string | null;
  @Field(() => String, { nullable: true, description: 'At most 8 lines of 200 characters.' }) address?: string | null;
  @Field(() => String, { nullable: true, description: 'At most 100 characters.' }) taxId?: string | null;
  @Field(() => String, { nullable: true }) email?: string | null;
  @Field(() => String, { nullable: true, description: 'At most 20 lines of 500 characters.' }) note?: string | null;
}

@ObjectType('TenantSettings')
export class TenantSettingsType {
  @Field(() => Int, { description: "How far back an event's time may lie. Test tenants have no such limit." }) backdatingDays!: number;
  @Field(() => Int, { nullable: true, description: 'How long events are kept; null: for ever.' }) retentionDays!: number | null;
  @Field(() => Int, { description: 'From the end of a period until its invoice is final.' }) graceSeconds!: number;
  @Field() reportingCurrency!: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'Margin rate below which an alert is raised.' }) marginFloor!: Decimal | null;
  @Field(() => Int, {
    nullable: true,
    description: 'Events taken in a second, in each API process; null: as many as the operator lets in. More is refused with RATE_LIMITED.',
  })
  ingestEventsPerSecond!: number | null;
  @Field(() => Int, { nullable: true, description: 'Requests of any kind, likewise.' }) requestsPerSecond!: number | null;
  @Field(() => SellerType) seller!: SellerType;
  @Field({ description: 'What numbers of invoices begin with: TARE-000001.' }) invoiceNumberPrefix!: string;
  @Field({ description: 'Likewise of credit notes, which have a series of their own.' }) creditNoteNumberPrefix!: string;
}

@InputType({ description: 'What is left out stays as it is; null takes a retention, a floor or a rate away.' })
export class TenantSettingsInput implements SettingsInput {
  @Field(() => Int, { nullable: true }) backdatingDays?: number | null;
  @Field(() => Int, { nullable: true }) retentionDays?: number | null;
  @Field(() => Int, { nullable: true }) graceSeconds?: number | null;
  @Field(() => String, { nullable: true }) reportingCurrency?: string | null;
  @Field(() => DecimalScalar, { nullable: true }) marginFloor?: Decimal | null;
  @Field(() => Int, { nullable: true }) ingestEventsPerSecond?: number | null;
  @Field(() => Int, { nullable: true }) requestsPerSecond?: number | null;
  @Field(() => SellerInput, { nullable: true }) seller?: SellerInput | null;
  @Field(() => String, {
    nullable: true,
    description: 'From the next invoice on, which is counted on: "ACME" makes ACME-000042 follow TARE-000041.',
  })
  invoiceNumberPrefix?: string | null;
  @Field(() => String, { nullable: true }) creditNoteNumberPrefix?: string | null;
}
