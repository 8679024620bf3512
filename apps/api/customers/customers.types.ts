import { Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { PageInfo } from '../graphql/page-info.ts';

@InputType({ description: 'Who is charged.' })
export class CustomerInput {
  @Field({ description: 'Your own key of the customer, as events carry it; at most 255 characters.' })
  key!: string;

  @Field({ description: 'As it stands on invoices, at most 255 characters.' })
  name!: string;

  @Field(() => String, { nullable: true, description: 'Where invoices are sent.' })
  email?: string | null;

  @Field(() => String, { nullable: true, description: 'As it stands on invoices: at most 8 lines of 200 characters.' })
  address?: string | null;

  @Field(() => String, { nullable: true, description: 'ISO 4217: plans in another currency are refused. None: any.' })
  currency?: string | null;

  @Field(() => String, { nullable: true, description: 'IANA time zone in which its periods and days are counted. None: UTC.' })
  timeZone?: string | null;
}

@InputType({ description: 'What of a customer changes; what is not named stays, null takes email or address away.' })
export class CustomerChangeInput {
  @Field(() => String, { nullable: true, description: 'As it stands on invoices, at most 255 characters.' })
  name?: string | null;

  @Field(() => String, { nullable: true })
  email?: string | null;

  @Field(() => String, { nullable: true, description: 'At most 8 lines of 200 characters.' })
  address?: string | null;
}

@ObjectType({ description: 'Who is charged.' })
export class Customer {
  @Field(() => ID)
  id!: string;

  @Field({ description: 'Your own key of the customer.' })
  key!: string;

  @Field()
  name!: string;

  @Field(() => String, { nullable: true })
  email!: string | null;

  @Field(() => String, { nullable: true, description: 'As it stands on invoices.' })
  address!: string | null;

  @Field(() => String, { nullable: true, description: 'ISO 4217; null: that of its plans.' })
  currency!: string | null;

  @Field({ description: 'IANA time zone in which its periods and days are counted.' })
  timeZone!: string;
}

@ObjectType()
export class CustomerEdge {
  @Field({ description: 'Give it as `after` to read on behind this customer.' })
  cursor!: string;

  @Field(() => Customer)
  node!: Customer;
}

@ObjectType({ description: 'Customers in the order in which they were made.' })
export class CustomerConnection {
  @Field(() => [CustomerEdge])
  edges!: CustomerEdge[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}
