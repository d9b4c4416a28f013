import { describe, inject } from 'vitest';
import { AgentApi } from '../support/agent-api.js';

/** An API under test, which {@link describeTargets} describes. */
export interface ContractTarget {
  /** For test names. */
  readonly name: string;
  /** Undefined if a program that it needs is missing. */
  readonly baseUrl: string | undefined;
  readonly functionKey?: string | undefined;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** `BASE_URL` of the shell. Vitest overwrites the variable. */
    readonly baseUrl: string | undefined;
    /** Started once for all files, so a target also has the threads of other tests. */
    readonly contractTargets: readonly [ContractTarget, ...ContractTarget[]];
  }
}

/** The API of the first target. */
export function contractApi(): AgentApi {
  return apiOf(inject('contractTargets')[0]);
}

/** Describes each target in turn. */
export function describeTargets(name: string, tests: (api: AgentApi) => void): void {
  for (const target of inject('contractTargets')) {
    describe.skipIf(target.baseUrl === undefined)(`${name}: ${target.name}`, () => {
      tests(apiOf(target));
    });
  }
}

function apiOf({ baseUrl = '', functionKey }: ContractTarget): AgentApi {
  return new AgentApi(baseUrl, functionKey);
}
