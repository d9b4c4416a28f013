import { describe, expect, it } from 'vitest';
import { ApiError, describeFailure } from '../../src/dashboard/page/api/api-error.js';

describe('the description of a failed request', () => {
  it.each([
    [new ApiError(503, 'The store is unreachable.'), 'The store is unreachable.'],
    [new TypeError('Failed to fetch'), 'The app is unreachable.'],
    [new DOMException('signal timed out', 'TimeoutError'), 'The app did not respond in time.'],
    [new Error('Something else'), 'Something else'],
  ])('of %s is: %s', (error, description) => {
    expect(describeFailure(error)).toBe(description);
  });
});
