import { types } from 'node:util';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';
import type { Agent } from './agent.js';
import { AgentError } from './errors.js';
import type { RunRequest } from './run-request.js';
import type { JsonObject } from './thread/thread-state.js';
import { describeIssues } from './tools/tool.js';

/** A JSON Schema is not supported. The message says why and may be shown to callers. */
export class ResponseSchemaError extends Error {
  constructor(problem: string, options?: ErrorOptions) {
    super(problem, options);
    this.name = 'ResponseSchemaError';
  }
}

/** Keywords whose values contain schemas: by name, in a list, or directly. */
const SCHEMAS_BY_NAME = ['properties', '$defs', 'definitions', 'dependentSchemas'];
const SCHEMA_LISTS = ['anyOf', 'oneOf', 'allOf', 'prefixItems'];
const SCHEMAS = ['items', 'additionalProperties', 'not', 'contains', 'propertyNames'];
/** Refused keywords, because a caller's regular expression can block the process. */
const REFUSED = ['pattern', 'patternProperties'];

/** Time limit for work on a caller's schema. References and unions can make it take exponential time. */
const SCHEMA_TIMEOUT_MS = 1000;

/**
 * Checks that a schema is supported.
 *
 * @throws ResponseSchemaError
 */
export function checkResponseSchema(schema: JsonObject): void {
  try {
    // Parsing a value shows whether the schema refers only to itself.
    withinTimeLimit(() => validatorOf(schema).safeParse(null));
  } catch (error) {
    if (error instanceof ResponseSchemaError) throw error;
    throw new ResponseSchemaError(exhaustionOf(error), { cause: error });
  }
}

/** The format of answers. */
export interface AnswerFormat<Answer = unknown> {
  /** The JSON Schema for the model. */
  readonly schema: JsonObject;
  /**
   * Parses the text of an answer.
   *
   * @throws AgentError `invalid_structured_output`, with a message that says what does not match
   */
  parse(text: string): Answer;
}

/** Creates the format for a JSON Schema of a caller. */
function jsonAnswerFormat(schema: JsonObject): AnswerFormat {
  return {
    schema,
    parse(text) {
      const value = parseJson(text);
      try {
        // Return the model's value unchanged.
        withinTimeLimit(() => parseBy(validatorOf(schema), value));
      } catch (error) {
        if (error instanceof AgentError) throw error;
        const problem = `The answer cannot be checked against the response_format: ${exhaustionOf(error)}.`;
        throw new AgentError('invalid_structured_output', problem, { cause: error });
      }
      return value;
    },
  };
}

/** Creates the format for a zod schema: the model gets it as JSON Schema, and it parses the answers. */
export function zodAnswerFormat<Answer>(schema: z.ZodType<Answer>): AnswerFormat<Answer> {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' });
  return { schema: json, parse: (text) => parseBy(schema, parseJson(text)) };
}

/** Returns the format of the answer to a request. The request's schema wins over the agent's. Undefined: any text. */
export function answerFormatOf(agent: Agent, { responseSchema }: RunRequest): AnswerFormat | undefined {
  return responseSchema === undefined ? agent.answerFormat : jsonAnswerFormat(responseSchema);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Leaves out the SyntaxError, which quotes the answer in the log.
    throw new AgentError('invalid_structured_output', 'The answer is not JSON.');
  }
}

function parseBy<Answer>(schema: z.ZodType<Answer>, value: unknown): Answer {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problem = `The answer does not fit the response_format. ${describeIssues(parsed.error)}`;
  throw new AgentError('invalid_structured_output', problem);
}

/** Returns whether a schema allows strict mode: all properties are required, and no others allowed. */
export function isStrictSchema(schema: JsonObject): boolean {
  return schemasIn(schema).every((inner) => {
    const { properties, required } = inner;
    if (!isObject(properties)) return inner['type'] !== 'object';
    const names = Array.isArray(required) ? required : [];
    return inner['additionalProperties'] === false && Object.keys(properties).every((name) => names.includes(name));
  });
}

function validatorOf(schema: JsonObject): z.ZodType {
  try {
    const refused = schemasIn(schema).flatMap((inner) => REFUSED.filter((keyword) => keyword in inner));
    if (refused.length > 0) throw new ResponseSchemaError(`the keyword ${refused[0]} is not supported`);
    // The global registry would keep every schema with an `id`.
    return z.fromJSONSchema(schema, { registry: z.registry() });
  } catch (error) {
    if (error instanceof ResponseSchemaError || error instanceof RangeError) throw error;
    // The library throws several kinds of errors.
    const problem = error instanceof Error && !(error instanceof TypeError) ? error.message : 'it is malformed';
    throw new ResponseSchemaError(problem.slice(0, 200), { cause: error });
  }
}

/**
 * Runs synchronous work, and interrupts it after a second.
 *
 * @throws the error of the work, or an Error with the code ERR_SCRIPT_EXECUTION_TIMEOUT
 */
function withinTimeLimit(work: () => unknown): void {
  runInNewContext('work()', { work }, { timeout: SCHEMA_TIMEOUT_MS });
}

/** Returns how work on a schema exhausted the time or the stack. @throws any other error */
function exhaustionOf(error: unknown): string {
  if (error instanceof RangeError) return 'it is nested too deeply or refers to itself';
  // The timeout is an Error of the other context.
  if (types.isNativeError(error) && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
    return `it takes longer than ${SCHEMA_TIMEOUT_MS} ms`;
  }
  throw error;
}

/** Returns a schema and all schemas in it. */
function schemasIn(schema: JsonObject): JsonObject[] {
  const found = [schema];
  for (const outer of found) for (const inner of schemasDirectlyIn(outer)) if (isObject(inner)) found.push(inner);
  return found;
}

function schemasDirectlyIn(schema: JsonObject): unknown[] {
  return [
    ...SCHEMAS_BY_NAME.flatMap((keyword) => (isObject(schema[keyword]) ? Object.values(schema[keyword]) : [])),
    ...SCHEMA_LISTS.flatMap((keyword): unknown[] => (Array.isArray(schema[keyword]) ? schema[keyword] : [])),
    ...SCHEMAS.map((keyword) => schema[keyword]),
  ];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
