import { expect, it } from 'vitest';
import { operations } from '../../src/api/operations.js';
import { registeredRoutes } from '../support/registered-routes.js';

it('openapi.json describes every HTTP route that the app registers, and no other', async () => {
  const registered = (await registeredRoutes()).flatMap(({ methods = [], route = '' }) => {
    // Each agent has a run route with its name.
    const path = route.replace(/^agents\/\w+\//, 'agents/{agentName}/');
    return methods.map((method) => `${method} /${path}`);
  });

  const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  expect(described.toSorted()).toEqual([...new Set(registered)].toSorted());
});
