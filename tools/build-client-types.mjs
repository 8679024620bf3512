// Reads apps/api/schema.graphql and writes libs/client/schema-types.ts: what events look like on the wire, and what is answered. Run it after the
// schema was printed: node tools/build-client-types.mjs. A spec of libs/client does the same and compares.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSchema, isEnumType, isListType, isNonNullType } from 'graphql';
import prettier from 'prettier';

const root = path.resolve(import.meta.dirname, '..');
const SOURCE = path.join(root, 'apps/api/schema.graphql');
const TARGET = path.join(root, 'libs/client/schema-types.ts');

/** What the client sends and reads. */
const TYPES = ['EventOutcome', 'IngestResult', 'MoneyInput', 'RejectedEvent', 'TokensInput', 'UsageEventInput'];

/** Scalars as they stand in JSON. */
const SCALARS = {
  Boolean: 'boolean',
  DateTime: 'string',
  Decimal: 'Decimal',
  Float: 'number',
  ID: 'string',
  Int: 'number',
  JSON: 'JsonObject',
  String: 'string',
};

const HEADER = `// Made by tools/build-client-types.mjs from apps/api/schema.graphql: do not edit.

/** An exact decimal: a string ("0.0000025"). The API takes a number only where it is exact. */
export type Decimal = string | number;

/** An object of JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;
`;

/** The text of schema-types.ts for a schema. Throws where a type or scalar is not known here. */
export async function clientTypes(sdl) {
  const schema = buildSchema(sdl);
  const parts = TYPES.map((name) => {
    const type = schema.getType(name);
    if (!type) throw new Error(`the schema has no ${name}`);
    return isEnumType(type) ? enumText(type) : objectText(type);
  });
  return prettier.format([HEADER, ...parts].join('\n'), { ...(await prettier.resolveConfig(TARGET)), filepath: TARGET });
}

const enumText = (type) =>
  `${comment(type.description)}export type ${type.name} = ${type
    .getValues()
    .map(({ name }) => `'${name}'`)
    .join(' | ')};\n`;

/** Fields of an input that may be left out are optional; what an answer may lack is null. */
function objectText(type) {
  const isInput = type.name.endsWith('Input');
  const fields = Object.values(type.getFields()).map((field) => {
    const isRequired = isNonNullType(field.type);
    const text = typeText(isRequired ? field.type.ofType : field.type);
    return `${comment(field.description)}readonly ${field.name}${isInput && !isRequired ? '?' : ''}: ${text}${isInput || isRequired ? '' : ' | null'};`;
  });
  return `${comment(type.description)}export interface ${type.name} {\n${fields.join('\n')}\n}\n`;
}

function typeText(type) {
  if (isNonNullType(type)) return typeText(type.ofType);
  if (isListType(type)) return `readonly ${typeText(type.ofType)}[]`;
  const text = SCALARS[type.name] ?? (TYPES.includes(type.name) ? type.name : undefined);
  if (!text) throw new Error(`no TypeScript type for ${type.name}: name it in tools/build-client-types.mjs`);
  return text;
}

const comment = (text) => (text ? `/** ${text.trim().replaceAll(/\s+/g, ' ')} */\n` : '');

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await writeFile(TARGET, await clientTypes(await readFile(SOURCE, 'utf8')));
