param name string
param location string
param tags object
param identityName string
param isPrivate bool

var databaseName = 'agents'
var containerName = 'callback-events'
// A role of the account's own data plane: Azure's roles do not reach the items.
var dataContributor = '00000000-0000-0000-0000-000000000002'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource account 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: [{ name: 'EnableServerless' }]
    locations: [{ locationName: location, failoverPriority: 0 }]
    // A process must see at once what another one wrote.
    consistencyPolicy: { defaultConsistencyLevel: 'BoundedStaleness', maxIntervalInSeconds: 5, maxStalenessPrefix: 100 }
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
  }

  resource database 'sqlDatabases' = {
    name: databaseName
    properties: { resource: { id: databaseName } }

    // As the app would create it with a key: see src/storage/cosmos/cosmos-container.ts.
    resource container 'containers' = {
      name: containerName
      properties: {
        resource: {
          id: containerName
          partitionKey: { kind: 'Hash', paths: ['/partition'], version: 2 }
          indexingPolicy: {
            indexingMode: 'consistent'
            automatic: true
            includedPaths: [
              { path: '/partition/?' }
              { path: '/key/?' }
            ]
            excludedPaths: [{ path: '/*' }]
            compositeIndexes: [
              [{ path: '/partition', order: 'ascending' }, { path: '/key', order: 'ascending' }]
            ]
          }
        }
      }
    }
  }

  resource access 'sqlRoleAssignments' = {
    name: guid(account.id, identity.id, dataContributor)
    properties: {
      principalId: identity.properties.principalId
      roleDefinitionId: '${account.id}/sqlRoleDefinitions/${dataContributor}'
      scope: account.id
    }
  }
}

output id string = account.id
output endpoint string = account.properties.documentEndpoint
output databaseName string = databaseName
output containerName string = containerName
