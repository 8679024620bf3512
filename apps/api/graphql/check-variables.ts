import {
  GraphQLError,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  typeFromAST,
  valueFromAST,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';

/** What is wrong with the shape of a request's variables: a path and a sentence. */
interface Finding {
  readonly path: string;
  readonly message: string;
}

/** More than anybody reads; bounds what one request can make us answer. */
const MOST_FINDINGS = 10_000;
const LONGEST_NAME = 64;

export type VariableValues = Readonly<Record<string, unknown>>;

/** Checks and coerces the variables of one operation; throws VariableErrors. */
export type VariableChecker = (variables: VariableValues) => VariableValues;

/** Every structural error of a request's variables, each with its path. */
export class VariableErrors extends Error {
  constructor(readonly errors: readonly GraphQLError[]) {
    super('The variables do not have the shape that the schema asks for.');
  }
}

/**
 * Coerces variables as GraphQL says and finds every value of a wrong shape, not only the first: unknown and missing fields, null where something must stand,
 * wrong JSON types, unknown enum values. One walk over the values; objects are copied only where something in them changes.
 */
export function variableChecker(schema: GraphQLSchema, operation: OperationDefinitionNode): VariableChecker {
  const definitions = (operation.variableDefinitions ?? []).map((definition) => {
    const type = typeFromAST(schema, definition.type);
    if (!isInputType(type)) throw new GraphQLError(`Variable "$${definition.variable.name.value}" needs an input type.`);
    const byDefault = definition.defaultValue ? valueFromAST(definition.defaultValue, type) : undefined;
    return { name: definition.variable.name.value, type, byDefault };
  });
  return (variables) => {
    const walk = new Walk();
    const coerced: Record<string, unknown> = {};
    for (const { name, type, byDefault } of definitions) {
      const given = Object.hasOwn(variables, name) ? variables[name] : undefined;
      const value = given === undefined ? byDefault : given;
      if (value !== undefined || isNonNullType(type)) coerced[name] = walk.at(name, value, type);
    }
    if (walk.findings.length > 0) throw new VariableErrors(walk.findings.map(errorOf));
    return coerced;
  };
}

const errorOf = ({ path, message }: Finding): GraphQLError =>
  new GraphQLError(`"${path}" ${message}`, { extensions: { code: 'BAD_USER_INPUT', field: path } });

/** One walk over the variables. The path is a stack that is printed only for a finding. */
class Walk {
  readonly findings: Finding[] = [];
  private readonly path: (string | number)[] = [];

  at(step: string | number, value: unknown, type: GraphQLInputType): unknown {
    this.path.push(step);
    const coerced = this.value(value, type);
    this.path.pop();
    return coerced;
  }

  private value(value: unknown, type: GraphQLInputType): unknown {
    if (isNonNullType(type)) {
      if (value === undefined) return this.find('is required and was not given.');
      if (value === null) return this.find('is required and cannot be null.');
      return this.value(value, type.ofType);
    }
    if (value === null || value === undefined) return value;
    if (isListType(type)) return this.list(value, type.ofType);
    if (isInputObjectType(type)) return this.object(value, type);
    return this.leaf(value, type);
  }

  /** A single value stands for a list of one. */
  private list(value: unknown, item: GraphQLInputType): unknown {
    if (!Array.isArray(value)) return [this.value(value, item)];
    let changed: unknown[] | null = null;
    for (let index = 0; index < value.length; index += 1) {
      const before: unknown = value[index];
      const after = this.at(index, before, item);
      if (after !== before) (changed ??= [...(value as unknown[])])[index] = after;
    }
    return changed ?? value;
  }

  private object(value: unknown, type: GraphQLInputObjectType): unknown {
    if (typeof value !== 'object' || Array.isArray(value)) return this.find(`has to be an object (${type.name}).`);
    const given = value as Record<string, unknown>;
    const { fields, required } = shapeOf(type);
    let changed: Record<string, unknown> | null = null;
    for (const name in given) {
      const field = fields.get(name);
      const after = field === undefined ? this.unknown(name, type) : this.at(name, given[name], field.type);
      if (after !== given[name]) (changed ??= { ...given })[name] = after;
    }
    for (const field of required) {
      if (given[field.name] !== undefined) continue;
      if (field.defaultValue !== undefined) (changed ??= { ...given })[field.name] = field.defaultValue;
      else if (!Object.hasOwn(given, field.name)) this.at(field.name, undefined, field.type);
    }
    return changed ?? given;
  }

  private unknown(name: string, type: GraphQLInputObjectType): undefined {
    this.path.push(name.slice(0, LONGEST_NAME));
    this.find(`is not a field of ${type.name}.`);
    this.path.pop();
  }

  private leaf(value: unknown, type: Exclude<GraphQLInputType, GraphQLInputObjectType>): unknown {
    if (!('parseValue' in type)) return value;
    try {
      const parsed: unknown = type.parseValue(value);
      return parsed === undefined ? this.find(`is not a ${type.name}.`) : parsed;
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      const expected = isEnumType(type)
        ? ` Expected ${type.name}: ${type
            .getValues()
            .map(({ name }) => name)
            .join(', ')}.`
        : '';
      return this.find(`is not valid: ${withoutHint(error.message)}${expected}`);
    }
  }

  private find(message: string): undefined {
    if (this.findings.length < MOST_FINDINGS) this.findings.push({ path: printed(this.path), message });
  }
}

interface Shape {
  readonly fields: ReadonlyMap<string, GraphQLInputField>;
  /** Fields that something has to be done for when they are absent. */
  readonly required: readonly GraphQLInputField[];
}

const shapes = new WeakMap<GraphQLInputObjectType, Shape>();

function shapeOf(type: GraphQLInputObjectType): Shape {
  const known = shapes.get(type);
  if (known !== undefined) return known;
  const all = Object.values(type.getFields());
  const required = all.filter((field) => isNonNullType(field.type) || field.defaultValue !== undefined);
  const shape = { fields: new Map(all.map((field) => [field.name, field])), required };
  shapes.set(type, shape);
  return shape;
}

/** `events[3].tokens.input` */
const printed = (path: readonly (string | number)[]): string =>
  path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');

/** Hints at other names would tell strangers what there is. */
const withoutHint = (message: string): string => message.replace(/ ?Did you mean .*$/s, '');
