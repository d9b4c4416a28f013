import { Principal } from 'types.bicep'

param name string
param location string
param tags object
param taskHubName string
param identityName string
param deployer Principal
param isPrivate bool

var durableTaskDataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: { name: 'Consumption' }
    // An empty list allows no client.
    ipAllowlist: ['0.0.0.0/0']
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
  }

  resource taskHub 'taskHubs' = {
    name: taskHubName
  }
}

resource appAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: scheduler
  name: guid(scheduler.id, identity.id, durableTaskDataContributor)
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', durableTaskDataContributor)
  }
}

// The dashboard of the scheduler shows nothing without it.
resource deployerAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployer.id)) {
  scope: scheduler
  name: guid(scheduler.id, deployer.id, durableTaskDataContributor)
  properties: {
    principalId: deployer.id
    principalType: deployer.type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', durableTaskDataContributor)
  }
}

output id string = scheduler.id
output endpoint string = scheduler.properties.endpoint
