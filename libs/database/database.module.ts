import { Global, Module, type DynamicModule, type OnModuleDestroy } from '@nestjs/common';
import { Database, type DatabaseOptions } from './database.ts';

/** Gives every slice the one `Database` and closes it with the application. */
@Global()
@Module({})
export class DatabaseModule implements OnModuleDestroy {
  constructor(private readonly database: Database) {}

  static register(options: DatabaseOptions): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [{ provide: Database, useFactory: () => new Database(options) }],
      exports: [Database],
    };
  }

  async onModuleDestroy(): Promise<void> {
    await this.database.close();
  }
}
