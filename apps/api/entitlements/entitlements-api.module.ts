import { Module } from '@nestjs/common';
import { EntitlementsModule } from '@tare/entitlements';
import { UsageModule } from '@tare/usage';
import { CapsResolver } from './caps.resolver.ts';
import { EntitlementsResolver } from './entitlements.resolver.ts';
import { FollowCommits } from './follow-commits.ts';
import { FollowMutations } from './follow-mutations.ts';

@Module({
  imports: [EntitlementsModule, UsageModule],
  providers: [EntitlementsResolver, CapsResolver, FollowCommits, FollowMutations],
})
export class EntitlementsApiModule {}
