import { Module } from '@nestjs/common';
import { QuotesResolver } from './quotes.resolver.ts';

@Module({ providers: [QuotesResolver] })
export class QuotesApiModule {}
