import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Slow files, by group; earlier groups start first. Most of them start an app, a service, a browser or a compiler. */
const SLOW = [
  // First, because the files of a project share workers: among files of another one, they would need new ones each time.
  /\/tests\/contract\//,
  /\/tests\/(crash|infra)\//,
  /\/tests\/(dashboard\/page|faults\/|audit\/store\/durable\/services|local\/|[\w-]+\.test)/,
  /\/tests\/(end-to-end|examples)\//,
];

/**
 * Starts slow files first, so that none runs alone at the end. Without its cache, as on a fresh clone, Vitest knows only
 * the sizes of files.
 */
export class SlowFirstSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- this is not an array
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const index = SLOW.findIndex((pattern) => pattern.test(moduleId));
  return index === -1 ? SLOW.length : index;
}
