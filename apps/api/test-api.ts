import { AccessService } from '@tare/access';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApi } from './app.ts';

/** What GraphQL answers. */
export interface Answer {
  readonly data: Record<string, never> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string; readonly field?: string } }[];
}

/** The API on a database of its own, for specs: one tenant with an admin key, and more when asked for. */
export class TestApi {
  private constructor(
    readonly test: TestDatabase,
    readonly app: NestFastifyApplication,
    private readonly key: string,
  ) {}

  static async open(): Promise<TestApi> {
    const test = await createTestDatabase();
    const key = await new AccessService(test.database).bootstrap();
    if (key === null) throw new Error('the test database is not empty');
    return new TestApi(test, await createApi({ databaseUrl: test.url }), key);
  }

  /** Asks as the first tenant, or with another key. */
  async ask(query: string, variables: Record<string, unknown> = {}, key = this.key): Promise<Answer> {
    const { body } = await this.app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { authorization: `Bearer ${key}` },
      payload: { query, variables },
    });
    return JSON.parse(body) as Answer;
  }

  /** The code and field of the one error of a request, and nothing in between. */
  async refusal(
    query: string,
    variables: Record<string, unknown> = {},
    key = this.key,
  ): Promise<{ code: string; field: string | undefined }> {
    const { errors } = await this.ask(query, variables, key);
    if (errors?.length !== 1 || !errors[0]) throw new Error(`one error was expected: ${JSON.stringify(errors)}`);
    const { code, field } = errors[0].extensions;
    return { code, field };
  }

  /** Makes another tenant and answers its admin key. */
  async stranger(): Promise<string> {
    const { data } = await this.ask('mutation { createTenant(name: "Stranger", live: false) { secret } }');
    return (data as unknown as { createTenant: { secret: string } }).createTenant.secret;
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.test.drop();
  }
}
