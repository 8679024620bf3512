import {
  type GraphQLEnumType,
  GraphQLError,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  typeFromAST,
  valueFromAST,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLScalarType,
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
 * wrong JSON types, unknown enum values. One walk over the values with checks that were composed once for each type; objects are copied only where
 * something in them changes.
 */
export function variableChecker(schema: GraphQLSchema, operation: OperationDefinitionNode): VariableChecker {
  const checks = new TypeChecks();
  const definitions = (operation.variableDefinitions ?? []).map((definition) => {
    const name = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type);
    if (!isInputType(type)) throw new GraphQLError(`Variable "$${name}" needs an input type.`);
    const byDefault = definition.defaultValue ? valueFromAST(definition.defaultValue, type) : undefined;
    return { name, check: checks.of(type), byDefault, isRequired: isNonNullType(type) };
  });
  return (variables) => {
    const walk = new Walk();
    const coerced: Record<string, unknown> = {};
    for (const { name, check, byDefault, isRequired } of definitions) {
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      if (value === undefined && byDefault !== undefined) coerced[name] = byDefault;
      else if (value !== undefined || isRequired) coerced[name] = walk.at(name, value, check);
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

  at(step: string | number, value: unknown, check: Check): unknown {
    this.path.push(step);
    const coerced = check(value, this);
    this.path.pop();
    return coerced;
  }

  find(message: string): undefined {
    if (this.findings.length < MOST_FINDINGS) this.findings.push({ path: printed(this.path), message });
  }
}

/** Checks a value that stands where the walk is, and answers it coerced. */
type Check = (value: unknown, walk: Walk) => unknown;

/** The checks of types, composed once. */
class TypeChecks {
  private readonly ofObject = new Map<GraphQLInputObjectType, Check>();

  of(type: GraphQLInputType): Check {
    if (isNonNullType(type)) return requiredCheck(this.of(type.ofType));
    if (isListType(type)) return listCheck(this.of(type.ofType));
    return isInputObjectType(type) ? this.object(type) : leafCheck(type);
  }

  private object(type: GraphQLInputObjectType): Check {
    const known = this.ofObject.get(type);
    if (known !== undefined) return known;
    const fields = new Map<string, Check>();
    const absent: AbsentField[] = [];
    const check = objectCheck(type.name, fields, absent);
    // Known before its fields are, so that a type may contain itself.
    this.ofObject.set(type, check);
    for (const field of Object.values(type.getFields())) {
      const ofField = this.of(field.type);
      fields.set(field.name, ofField);
      if (field.defaultValue !== undefined) absent.push({ name: field.name, byDefault: field.defaultValue });
      else if (isNonNullType(field.type)) absent.push({ name: field.name, check: ofField });
    }
    return check;
  }
}

/** What is done for a field that was not given: it gets its default, or its check finds that it is missing. */
type AbsentField = { readonly name: string; readonly byDefault: unknown } | { readonly name: string; readonly check: Check };

function requiredCheck(check: Check): Check {
  return (value, walk) => {
    if (value === undefined) return walk.find('is required and was not given.');
    return value === null ? walk.find('is required and cannot be null.') : check(value, walk);
  };
}

/** A single value stands for a list of one. */
function listCheck(check: Check): Check {
  return (value, walk) => {
    if (value === null || value === undefined) return value;
    if (!Array.isArray(value)) return [check(value, walk)];
    const given = value as readonly unknown[];
    let changed: unknown[] | null = null;
    for (let index = 0; index < given.length; index += 1) {
      const after = walk.at(index, given[index], check);
      if (after !== given[index]) (changed ??= [...given])[index] = after;
    }
    return changed ?? given;
  };
}

function objectCheck(typeName: string, fields: ReadonlyMap<string, Check>, absent: readonly AbsentField[]): Check {
  const unknown: Check = (_, walk) => walk.find(`is not a field of ${typeName}.`);
  return (value, walk) => {
    if (value === null || value === undefined) return value;
    if (typeof value !== 'object' || Array.isArray(value)) return walk.find(`has to be an object (${typeName}).`);
    const given = value as Record<string, unknown>;
    let changed: Record<string, unknown> | null = null;
    for (const name in given) {
      const check = fields.get(name);
      const after = check === undefined ? walk.at(name.slice(0, LONGEST_NAME), undefined, unknown) : walk.at(name, given[name], check);
      if (after !== given[name]) (changed ??= { ...given })[name] = after;
    }
    for (const field of absent) {
      if (field.name in given) continue;
      if ('check' in field) walk.at(field.name, undefined, field.check);
      else (changed ??= { ...given })[field.name] = field.byDefault;
    }
    return changed ?? given;
  };
}

function leafCheck(type: GraphQLEnumType | GraphQLScalarType): Check {
  return (value, walk) => {
    if (value === null || value === undefined) return value;
    try {
      const parsed: unknown = type.parseValue(value);
      return parsed === undefined ? walk.find(`is not a ${type.name}.`) : parsed;
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return walk.find(`is not valid: ${withoutHint(error.message)}${expectation(type)}`);
    }
  };
}

const expectation = (type: GraphQLEnumType | GraphQLScalarType): string =>
  isEnumType(type)
    ? ` Expected one of ${type
        .getValues()
        .map(({ name }) => name)
        .join(', ')}.`
    : '';

/** `events[3].tokens.input` */
const printed = (path: readonly (string | number)[]): string =>
  path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');

/** Hints at other names would tell strangers what there is. */
const withoutHint = (message: string): string => message.replace(/ ?Did you mean .*$/s, '');
