import { readFileSync } from 'node:fs';
import { TestApi, type Answer } from './test-api.ts';

/**
 * The examples of the guides, run from top to bottom by a tenant of their own, so that nobody copies one that does not work. A block of JSON behind a query is
 * its answer (parts of it); one that is an array is posted as events. Variables are ids that earlier blocks of the page have answered.
 */
const GUIDES = ['docs/guide.md', 'docs/plans.md', 'docs/subscriptions.md', 'docs/credits.md', 'docs/entitlements.md'];

interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

/** How long an answer may take to follow usage: credits are drawn soon after a commit. */
const TRIES = 50;
const PAUSE_MS = 200;

/** Names of variables by the fields whose answers have their id. */
const IDS: Readonly<Record<string, string>> = { createSubscription: 'subscription', reserveCredits: 'reservation' };

function blocksOf(page: string): Block[] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(/^```(graphql|json)\n([\s\S]*?)^```$/gm)].map(({ 1: language = '', 2: body = '', index }) => ({
    ...{ language, text: body },
    line: text.slice(0, index).split('\n').length,
  }));
}

/** A block may hold several operations, one after the other. */
const operationsOf = ({ text }: Block): string[] => text.split(/\n(?=(?:query|mutation)\b)/).filter((operation) => operation.trim() !== '');

describe.each(GUIDES)('%s', (page) => {
  let api: TestApi;
  beforeAll(async () => {
    api = await TestApi.open();
  });
  afterAll(() => api.close());

  const ids: Record<string, string> = {};
  const ask = async (operation: string): Promise<Answer> => {
    const answer = await api.ask(operation, ids);
    for (const [field, name] of Object.entries(IDS)) {
      const id: unknown = (answer.data?.[field] as { id?: unknown } | undefined)?.id;
      if (typeof id === 'string') ids[name] = id;
    }
    return answer;
  };
  const askAll = async (block: Block): Promise<Answer[]> => {
    const answers: Answer[] = [];
    for (const operation of operationsOf(block)) answers.push(await ask(operation));
    return answers;
  };

  const blocks = blocksOf(page);
  const steps = blocks.flatMap((block, index) => {
    const next = blocks[index + 1];
    const answer = block.language === 'graphql' && next?.language === 'json' && !isEvents(next) ? next : undefined;
    return block.language === 'graphql' || isEvents(block) ? [[block.line, block, answer] as const] : [];
  });

  test.each(steps)('line %i', async (_line, block, answer) => {
    if (isEvents(block)) {
      const events = JSON.parse(block.text) as object[];
      const { data, errors } = await ask(ingestOf(events));
      expect([errors, data]).toMatchObject([undefined, { ingestEvents: { accepted: events.length, rejected: [] } }]);
      return;
    }
    const isRead = operationsOf(block).every((operation) => operation.startsWith('query'));
    const expected = answer === undefined ? {} : (JSON.parse(answer.text) as object);
    let answers = await askAll(block);
    for (let i = 0; isRead && i < TRIES && !matches(answers.at(-1)?.data, expected); i++) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      answers = await askAll(block);
    }
    expect(answers.flatMap(({ errors }) => errors ?? [])).toEqual([]);
    expect(answers.at(-1)?.data).toMatchObject(expected);
  });
});

/** A list of events; other JSON is the answer of the query before it. */
function isEvents({ language, text }: Block): boolean {
  return language === 'json' && text.startsWith('[');
}

function matches(answer: unknown, expected: unknown): boolean {
  try {
    expect(answer).toMatchObject(expected as object);
    return true;
  } catch {
    return false;
  }
}

/** Events as a mutation: JSON with names without quotes. */
function ingestOf(events: readonly object[]): string {
  const literal = (value: unknown): string =>
    Array.isArray(value)
      ? `[${value.map(literal).join(' ')}]`
      : value !== null && typeof value === 'object'
        ? `{ ${Object.entries(value)
            .map(([name, item]) => `${name}: ${literal(item)}`)
            .join(' ')} }`
        : JSON.stringify(value);
  return `mutation { ingestEvents(events: ${literal(events)}) { accepted rejected { code message } } }`;
}
