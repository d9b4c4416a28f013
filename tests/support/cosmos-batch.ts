import type Collection from '@vercel/cosmosdb-server/lib/account/collection.js';
import {
  createOperation,
  deleteOperation,
  readOperation,
  replaceOperation,
  upsertOperation,
  type OperationResult,
} from '@vercel/cosmosdb-server/lib/handler/_document-operations.js';
import type { JSONObject } from '@vercel/cosmosdb-server/lib/types.js';

/** An operation of a batch, as `@azure/cosmos` sends it. */
export interface BatchOperation {
  readonly operationType: string;
  readonly id?: string;
  readonly resourceBody?: JSONObject;
  readonly ifMatch?: string;
}

/** The result of an operation. */
export interface BatchOperationResult {
  readonly statusCode: number;
  readonly requestCharge: number;
  readonly eTag?: unknown;
  readonly resourceBody?: unknown;
}

const failedDependency = 424;
/** Characters that an item's id must not contain. */
const forbiddenInIds = /[/\\?#]/;

/**
 * Executes a batch in one partition like the service
 * (https://learn.microsoft.com/azure/cosmos-db/nosql/transactional-batch): all or nothing. The operation that fails
 * has its own status, and all others have 424. The emulator's own batch keeps operations before the failure and expects
 * a partition key in each operation. No item may appear twice.
 *
 * @param partitionKey the batch's header value: `["KEY"]`
 */
export function applyBatch(
  collection: Collection,
  partitionKey: string,
  operations: readonly BatchOperation[],
): BatchOperationResult[] {
  const failures = operations.map((operation) => findFailure(collection, partitionKey, operation));
  const culprit = failures.findIndex((failure) => failure !== undefined);
  if (culprit === -1) {
    return operations.map((operation) => {
      const { statusCode, body } = apply(collection, partitionKey, operation);
      return { statusCode, requestCharge: 1, ...(body && { eTag: body['_etag'], resourceBody: body }) };
    });
  }
  return failures.map((failure, index) => {
    return { statusCode: index === culprit ? (failure ?? 500) : failedDependency, requestCharge: 0 };
  });
}

/** The status with which an operation would fail now. Undefined if it would succeed. */
function findFailure(collection: Collection, partitionKey: string, operation: BatchOperation): number | undefined {
  const { operationType, resourceBody, ifMatch } = operation;
  const [key] = JSON.parse(partitionKey) as [string];
  const [keyPath = ''] = collection.read().partitionKey?.paths ?? [];
  if (resourceBody !== undefined && resourceBody[keyPath.slice(1)] !== key) return 400;
  const { id = '' } = (resourceBody ?? operation) as { id?: string };
  if (id === '' || forbiddenInIds.test(id)) return 400;
  const present = collection.document(id, key).read() as unknown;
  if (present === undefined) return operationType === 'Create' || operationType === 'Upsert' ? undefined : 404;
  if (operationType === 'Create') return 409;
  return ifMatch === undefined || ifMatch === (present as JSONObject)['_etag'] ? undefined : 412;
}

function apply(collection: Collection, partitionKey: string, operation: BatchOperation): OperationResult {
  const { operationType, id = '', resourceBody = {} } = operation;
  switch (operationType) {
    case 'Create':
      return createOperation(collection, { resourceBody });
    case 'Upsert':
      return upsertOperation(collection, { partitionKey, resourceBody });
    case 'Replace':
      return replaceOperation(collection, { partitionKey, resourceBody });
    case 'Read':
      return readOperation(collection, { partitionKey, id });
    case 'Delete':
      return deleteOperation(collection, { partitionKey, id });
    default:
      throw new Error(`An operation ${operationType} is not emulated`);
  }
}
