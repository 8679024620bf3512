import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { AccessModule } from '@tare/access';
import { DatabaseModule } from '@tare/database';
import { AccessApiModule } from './access/access-api.module.ts';
import { ScopeGuard } from './auth/scope.guard.ts';
import { RestErrorFilter } from './errors/rest-error.filter.ts';
import { graphqlOptions } from './graphql/graphql-options.ts';
import { HealthModule } from './health/health.module.ts';

export interface ApiOptions {
  readonly databaseUrl: string;
  /** The queue lives in Redis; none: in the database. */
  readonly redisUrl?: string | undefined;
  /** Connections to the database. */
  readonly connections?: number;
  /** Where the printed schema is written; none: nowhere. */
  readonly schemaFile?: string | undefined;
  /** Folder of the built dashboard, served at `/` when it exists. */
  readonly dashboardDirectory?: string | undefined;
}

/** One module for each folder of nouns. Add yours here. */
export const NOUN_MODULES: Type[] = [AccessApiModule];

/** The API: GraphQL, REST and webhooks over the slices. */
@Module({})
export class AppModule {
  static register({ databaseUrl, connections, schemaFile }: ApiOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        DatabaseModule.register({ url: databaseUrl, ...(connections === undefined ? {} : { connections }) }),
        AccessModule,
        HealthModule,
        GraphQLModule.forRoot(graphqlOptions(schemaFile ?? null)),
        ...NOUN_MODULES,
      ],
      providers: [
        { provide: APP_GUARD, useClass: ScopeGuard },
        { provide: APP_FILTER, useClass: RestErrorFilter },
      ],
    };
  }
}
