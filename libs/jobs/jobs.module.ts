import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Queues, type QueueConnection } from './queues.ts';

/** Gives every slice the one `Queues` and closes it with the application. */
@Global()
@Module({})
export class JobsModule {
  static register(connection: QueueConnection): DynamicModule {
    return {
      module: JobsModule,
      providers: [{ provide: Queues, useFactory: () => new Queues(connection) }],
      exports: [Queues],
    };
  }
}
