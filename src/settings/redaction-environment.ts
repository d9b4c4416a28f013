import { z } from 'zod';
import {
  type BuiltInRedactor,
  builtInRedactors,
  DEFAULT_MAX_LENGTH,
  MAX_MAX_LENGTH,
  type Redactor,
} from '../durable-agents/index.js';
import { boolean } from './environment-values.js';

const kinds = Object.keys(builtInRedactors);
const expectedKinds = `expected all, or some of ${kinds.join(', ')}, separated by commas`;
const expectedPatterns =
  'expected a JSON list, as [{"name":"employee","pattern":"EMP-[0-9]{6}","maxLength":10}], ' +
  `with patterns for the flag u that match no empty text, and a maxLength from 1 to ${MAX_MAX_LENGTH}`;

const patterns = z.array(
  z.strictObject({
    name: z.string().regex(/^[\w-]{1,40}$/),
    pattern: z.string(),
    flags: z
      .string()
      .regex(/^[ims]*$/)
      .default(''),
    maxLength: z.int().min(1).max(MAX_MAX_LENGTH).default(DEFAULT_MAX_LENGTH),
  }),
);

/** Environment variables that select what is redacted before it reaches log, event store and traces. */
export const redactionEnvironment = {
  CALLBACK_REDACT: z
    .string()
    .toLowerCase()
    .transform((value): readonly string[] => (value === 'all' ? kinds : value.split(',').map((kind) => kind.trim())))
    .refine((chosen) => chosen.every(isKind), expectedKinds)
    .transform((chosen) => chosen.filter(isKind))
    .default([]),
  CALLBACK_REDACT_PATTERNS: z.string().transform(parsePatterns).default([]),
  CALLBACK_REDACT_ANSWERS: boolean().default(false),
};

const environment = z.object(redactionEnvironment);

export function toRedactionSettings(values: z.infer<typeof environment>) {
  return {
    redact: [
      ...values.CALLBACK_REDACT.map((kind): Redactor => builtInRedactors[kind]),
      ...values.CALLBACK_REDACT_PATTERNS,
    ],
    /** Whether the conversation and the caller's answer are redacted as well. */
    redactAnswers: values.CALLBACK_REDACT_ANSWERS,
  };
}

function isKind(kind: string): kind is BuiltInRedactor {
  return Object.hasOwn(builtInRedactors, kind);
}

function parsePatterns(value: string, context: z.core.$RefinementCtx): readonly Redactor[] {
  try {
    return patterns.parse(JSON.parse(value)).map(({ name, pattern, flags, maxLength }) => {
      const compiled = new RegExp(pattern, `${flags}u`);
      if (compiled.test('')) throw new SyntaxError('The pattern matches empty text.');
      return { name, pattern: compiled, maxLength };
    });
  } catch (error) {
    // A wrong JSON, list or pattern. The variable's text stays out of the message, as for all settings.
    if (!(error instanceof SyntaxError) && !(error instanceof z.ZodError)) throw error;
    context.addIssue({ code: 'custom', message: expectedPatterns });
    return z.NEVER;
  }
}
