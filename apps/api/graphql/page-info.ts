import { Field, ObjectType } from '@nestjs/graphql';

@ObjectType({ description: 'Where a page of a list ends.' })
export class PageInfo {
  @Field({ description: 'Something follows.' })
  hasNextPage!: boolean;

  @Field(() => String, { nullable: true, description: 'Give it as `after` to read on; null for an empty page.' })
  endCursor!: string | null;
}
