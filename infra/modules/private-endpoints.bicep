@description('Part of each name.')
param token string

param location string
param tags object
param networkId string
param subnetId string
param storageId string

@description('Empty: no endpoint. The same applies to the ids below.')
param modelId string

param schedulerId string
param redisId string
param cosmosId string

// Names of Azure's public cloud, as the app's own addresses are.
var storageEndpoints = map(['blob', 'queue', 'table'], group => {
  service: group
  id: storageId
  group: group
  #disable-next-line no-hardcoded-env-urls
  zones: ['privatelink.${group}.core.windows.net']
})
var modelEndpoint = {
  service: 'model'
  id: modelId
  group: 'account'
  zones: [
    'privatelink.openai.azure.com'
    'privatelink.cognitiveservices.azure.com'
    'privatelink.services.ai.azure.com'
  ]
}
var schedulerEndpoint = {
  service: 'scheduler'
  id: schedulerId
  group: 'scheduler'
  zones: ['privatelink.durabletask.io']
}
var redisEndpoint = {
  service: 'redis'
  id: redisId
  group: 'redisEnterprise'
  zones: ['privatelink.redis.azure.net']
}
var cosmosEndpoint = { service: 'cosmos', id: cosmosId, group: 'Sql', zones: ['privatelink.documents.azure.com'] }

module endpoints 'private-endpoint.bicep' = [
  for endpoint in filter(
    concat(storageEndpoints, [modelEndpoint, schedulerEndpoint, redisEndpoint, cosmosEndpoint]),
    endpoint => !empty(endpoint.id)
  ): {
    name: 'endpoint-${endpoint.service}'
    params: {
      name: 'pe-${endpoint.service}-${token}'
      location: location
      tags: tags
      networkId: networkId
      subnetId: subnetId
      serviceId: endpoint.id
      group: endpoint.group
      zoneNames: endpoint.zones
    }
  }
]
