import { readFileSync } from 'node:fs';
import path from 'node:path';

/** A resource that would be deployed. Values that only a deployment knows are template expressions in brackets. */
export interface Resource {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly location?: string;
  readonly kind?: string;
  readonly sku?: { readonly name: string; readonly capacity?: number };
  readonly tags?: Readonly<Record<string, string>>;
  // oxlint-disable-next-line typescript/no-explicit-any -- each type has its own properties, and tests name them
  readonly properties?: any;
}

/** The choices of `combinations.bicepparam`. */
export interface Environment {
  readonly name: string;
  readonly eventStore: string;
  readonly durableBackend: string;
  readonly isPrivate: boolean;
  readonly isNewModel: boolean;
  readonly resources: readonly Resource[];
  /** @throws Error unless there is exactly one resource of the type (without `Microsoft.`) */
  only(type: string): Resource;
  all(type: string): readonly Resource[];
}

/** The resource group of the existing model account. */
const MODELS_GROUP = 'models';

export function readSnapshot(file: string): Map<string, Resource[]> {
  const { predictedResources } = JSON.parse(readFileSync(file, 'utf8')) as { predictedResources: Resource[] };
  const groups = new Map<string, Resource[]>();
  for (const resource of predictedResources) {
    const group = /^\/subscriptions\/[^/]+\/resourceGroups\/([^/]+)/.exec(resource.id)?.[1] ?? '';
    groups.set(group, [...(groups.get(group) ?? []), resource]);
  }
  return groups;
}

/** The environments of the committed snapshot. */
export function readCombinations(): Environment[] {
  const groups = readSnapshot(path.join(__dirname, 'combinations.snapshot.json'));
  const models = groups.get(MODELS_GROUP) ?? [];
  groups.delete(MODELS_GROUP);
  return [...groups].map(([group, own]) => {
    const name = group.replace(/-rg$/, '');
    const isNewModel = name !== 'existing-model';
    const [eventStore = '', durableBackend = '', network = ''] = (isNewModel ? name : 'table-storage-private').split(
      '-',
    );
    const resources = isNewModel ? own : [...own, ...models];
    const all = (type: string) => resources.filter((resource) => resource.type === `Microsoft.${type}`);
    const only = (type: string) => {
      const [found, ...more] = all(type);
      if (found === undefined || more.length > 0)
        throw new Error(`${name} has ${all(type).length} resources of the type ${type}, expected 1`);
      return found;
    };
    return { name, eventStore, durableBackend, isPrivate: network === 'private', isNewModel, resources, only, all };
  });
}
