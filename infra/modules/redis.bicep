param name string
param location string
param tags object
param identityName string
param skuName string
param highAvailability bool
param isPrivate bool

var port = 10000

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource cluster 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: skuName }
  properties: {
    minimumTlsVersion: '1.2'
    highAvailability: highAvailability ? 'Enabled' : 'Disabled'
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
  }

  resource database 'databases' = {
    name: 'default'
    properties: {
      port: port
      clientProtocol: 'Encrypted'
      accessKeysAuthentication: 'Disabled'
      // One address for all keys: the app's scripts touch several keys of a thread at once.
      clusteringPolicy: 'EnterpriseCluster'
      // A full Redis must refuse writes; evicting keys would tear threads apart.
      evictionPolicy: 'NoEviction'
    }

    resource access 'accessPolicyAssignments' = {
      name: 'app'
      properties: {
        accessPolicyName: 'default'
        user: { objectId: identity.properties.principalId }
      }
    }
  }
}

output id string = cluster.id
output url string = 'rediss://${cluster.properties.hostName}:${port}'
