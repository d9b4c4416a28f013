import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sampleOf } from '../../local/offline-structure.js';

describe('a structured answer of the offline model', () => {
  it.each<[string, z.ZodType]>([
    ['an object', z.object({ title: z.string().max(5), stars: z.int().min(2), isUrgent: z.boolean() })],
    ['lists', z.array(z.object({ name: z.string() }))],
    ['fixed values', z.object({ kind: z.literal('note'), level: z.enum(['low', 'high']) })],
    ['choices', z.union([z.object({ a: z.number() }), z.string()])],
    ['null', z.null()],
    ['a value that may be null', z.string().nullable()],
  ])('fits a schema of %s', (_what, schema) => {
    expect(schema.safeParse(sampleOf(z.toJSONSchema(schema), 'Hello there'))).toMatchObject({ success: true });
  });

  it('quotes the message in its texts', () => {
    expect(sampleOf({ type: 'object', properties: { title: { type: 'string' } } }, 'Hello there')).toEqual({
      title: 'Hello there',
    });
  });
});
