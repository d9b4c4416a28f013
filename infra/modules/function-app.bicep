param name string
param planName string
param location string
param tags object
param identityName string
param deploymentContainerUrl string

@description('Subnet for outgoing calls. Empty: none.')
param subnetId string

param maximumInstanceCount int
param instanceMemoryMB int
param httpConcurrency int
param alwaysReadyHttpInstances int
param alwaysReadyDurableInstances int
param siteUpdateStrategy string

@description('App settings. They replace all that exist.')
param settings object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

// Flex Consumption: one plan per app.
resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource site 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: { minTlsVersion: '1.2', scmMinTlsVersion: '1.2' }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: { name: 'node', version: '22' }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: instanceMemoryMB
        alwaysReady: filter(
          [
            { name: 'http', instanceCount: alwaysReadyHttpInstances }
            { name: 'durable', instanceCount: alwaysReadyDurableInstances }
          ],
          group => group.instanceCount > 0
        )
        triggers: { http: { perInstanceConcurrency: httpConcurrency } }
      }
      // Documented, and not yet in the compiler's types.
      #disable-next-line BCP037
      siteUpdateStrategy: { type: siteUpdateStrategy }
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: settings
  }

  // Deployment by user name and password is off; azd deploys with an Entra token.
  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }
}

output name string = site.name
output url string = 'https://${site.properties.defaultHostName}'
