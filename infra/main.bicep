targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment. It names the resource group; the other names are derived from a hash of it.')
param environmentName string

@minLength(1)
@description('Region of everything except the model. It must offer Flex Consumption.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Object id of the identity that deploys. It gets access to the model and to the scheduler dashboard. Empty: no access.')
param principalId string = ''

@description('Kind of the identity that deploys: ServicePrincipal for a pipeline. Azure refuses a role assignment of the wrong kind.')
@allowed(['User', 'ServicePrincipal', 'Group'])
param principalType string = 'User'

@description('Store for events. Not memory, because HTTP functions and entities run on different instances.')
@allowed(['table', 'redis', 'cosmos'])
param eventStore string = 'table'

@description('Days until events are deleted.')
@minValue(1)
@maxValue(3650)
param eventRetentionDays int = 90

@description('Days without a run after which a thread and its data are deleted. 0 keeps threads.')
@minValue(0)
@maxValue(3650)
param threadRetentionDays int = 0

@description('Durable back end: queues and blobs of the storage account, or the Durable Task Scheduler. host.json in the package must match; the package hook of azure.yaml reads the same variable.')
@allowed(['storage', 'scheduler'])
param durableBackend string = 'storage'

@description('Puts a virtual network around storage, model, store and scheduler. The app itself stays reachable from the internet.')
param privateNetwork bool = false

@description('Resource id of an Azure OpenAI or AI Services account to use. Empty: a new account is created.')
param existingModelAccountId string = ''

@description('Name of the model deployment: the one to use in an existing account, or the one to create.')
@minLength(1)
param modelDeploymentName string = 'chat'

@minLength(1)
@description('Region of a new model account; it needs quota for the model. Ignored with an existing account.')
@metadata({ azd: { type: 'location', usageName: ['OpenAI.GlobalStandard.gpt-5-mini, 30'] } })
param modelLocation string

param modelName string = 'gpt-5-mini'
param modelVersion string = '2025-08-07'

@description('Quota of a new deployment in thousands of tokens a minute.')
@minValue(1)
param modelCapacity int = 30

@description('Upper limit of instances in each scale group. It bounds the bill.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Memory of an instance in MB. 512 has a quarter of a core and suits a trial, 2048 one core, 4096 two.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Concurrent HTTP requests per instance. Open event streams and waiting callers count, although they are almost idle. The default of the platform, 16, would start an instance for every 16 readers.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 100

@description('Instances that always run the HTTP functions. One avoids the cold start of the first request.')
@minValue(0)
param alwaysReadyHttpInstances int = 0

@description('Instances that always run the entities. One avoids the cold start of the first run.')
@minValue(0)
param alwaysReadyDurableInstances int = 0

@description('Recreate ends running executions during a deployment; RollingUpdate (preview) lets them finish.')
@allowed(['Recreate', 'RollingUpdate'])
param siteUpdateStrategy string = 'Recreate'

@description('SKU of Azure Managed Redis.')
param redisSku string = 'Balanced_B0'

@description('Runs a replica of Redis. Without one, maintenance or a failure loses the events.')
param redisHighAvailability bool = true

@description('Logs beyond this many GB a day are dropped. -1: no limit.')
param logDailyQuotaGb int = 1

@description('Address for alerts. Empty: alerts show in the portal only.')
param alertEmail string = ''

var token = uniqueString(subscription().id, environmentName, location)
var tags = { 'azd-env-name': environmentName }
// The same as hubName in host.json.
var taskHubName = 'default'
var isNewModel = empty(existingModelAccountId)
var existingModel = split(existingModelAccountId, '/')
var modelAccountName = isNewModel ? 'ai-${token}' : last(existingModel)
var deployer = { id: principalId, type: principalType }

// The suffix keeps the name valid when the environment's name ends with a period.
resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: '${environmentName}-rg'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: { name: 'id-${token}', location: location, tags: tags }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: 'log-${token}'
    componentName: 'appi-${token}'
    location: location
    tags: tags
    identityName: identity.outputs.name
    dailyQuotaGb: logDailyQuotaGb
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  scope: group
  params: { name: 'vnet-${token}', location: location, tags: tags }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    identityName: identity.outputs.name
    isDurableBackend: durableBackend == 'storage'
    keepsEvents: eventStore == 'table'
    isPrivate: privateNetwork
  }
}

module model 'modules/model.bicep' = if (isNewModel) {
  scope: group
  params: {
    name: modelAccountName
    location: modelLocation
    tags: tags
    deploymentName: modelDeploymentName
    modelName: modelName
    modelVersion: modelVersion
    capacity: modelCapacity
    isPrivate: privateNetwork
  }
}

module modelAccess 'modules/model-access.bicep' = {
  scope: resourceGroup(
    isNewModel ? subscription().subscriptionId : existingModel[2],
    isNewModel ? group.name : existingModel[4]
  )
  params: {
    accountName: model.?outputs.name ?? modelAccountName
    appPrincipalId: identity.outputs.principalId
    appIdentityId: identity.outputs.id
    deployer: deployer
  }
}

module scheduler 'modules/scheduler.bicep' = if (durableBackend == 'scheduler') {
  scope: group
  params: {
    name: 'dts-${token}'
    location: location
    tags: tags
    taskHubName: taskHubName
    identityName: identity.outputs.name
    deployer: deployer
    isPrivate: privateNetwork
  }
}

module redis 'modules/redis.bicep' = if (eventStore == 'redis') {
  scope: group
  params: {
    name: 'redis-${token}'
    location: location
    tags: tags
    identityName: identity.outputs.name
    skuName: redisSku
    highAvailability: redisHighAvailability
    isPrivate: privateNetwork
  }
}

module cosmos 'modules/cosmos.bicep' = if (eventStore == 'cosmos') {
  scope: group
  params: {
    name: 'cosmos-${token}'
    location: location
    tags: tags
    identityName: identity.outputs.name
    isPrivate: privateNetwork
  }
}

module privateEndpoints 'modules/private-endpoints.bicep' = if (privateNetwork) {
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    networkId: network!.outputs.id
    subnetId: network!.outputs.endpointsSubnetId
    storageId: storage.outputs.id
    modelId: isNewModel ? model!.outputs.id : ''
    schedulerId: durableBackend == 'scheduler' ? scheduler!.outputs.id : ''
    redisId: eventStore == 'redis' ? redis!.outputs.id : ''
    cosmosId: eventStore == 'cosmos' ? cosmos!.outputs.id : ''
  }
}

// The settings of each choice. None contains a secret.
var eventStoreSettings = {
  table: {}
  redis: { CALLBACK_REDIS_URL: redis.?outputs.url ?? '', CALLBACK_REDIS_AUTH: 'entra' }
  cosmos: {
    CALLBACK_COSMOS_ENDPOINT: cosmos.?outputs.endpoint ?? ''
    CALLBACK_COSMOS_DATABASE: cosmos.?outputs.databaseName ?? ''
    CALLBACK_COSMOS_CONTAINER: cosmos.?outputs.containerName ?? ''
  }
}
var durableBackendSettings = {
  storage: {}
  scheduler: {
    DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${scheduler.?outputs.endpoint ?? ''};Authentication=ManagedIdentity;ClientID=${identity.outputs.clientId}'
  }
}

module app 'modules/function-app.bicep' = {
  scope: group
  params: {
    name: 'func-${token}'
    planName: 'plan-${token}'
    location: location
    tags: tags
    identityName: identity.outputs.name
    deploymentContainerUrl: storage.outputs.deploymentContainerUrl
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    httpConcurrency: httpConcurrency
    alwaysReadyHttpInstances: alwaysReadyHttpInstances
    alwaysReadyDurableInstances: alwaysReadyDurableInstances
    siteUpdateStrategy: siteUpdateStrategy
    settings: {
      AzureWebJobsStorage__accountName: storage.outputs.name
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.outputs.clientId
      // The app's own credentials pass no id, and several identities would be possible.
      AZURE_CLIENT_ID: identity.outputs.clientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
      AZURE_OPENAI_ENDPOINT: modelAccess.outputs.endpoint
      AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: modelDeploymentName
      // The holder of a key may send messages to the agents, but not instruct them.
      AGENT_ALLOWED_ROLES: 'user'
      CALLBACK_STORE: eventStore
      CALLBACK_EVENT_TTL_DAYS: string(eventRetentionDays)
      // Empty means unset.
      AGENT_THREAD_TTL_DAYS: threadRetentionDays == 0 ? '' : string(threadRetentionDays)
      ...eventStoreSettings[eventStore]
      ...durableBackendSettings[durableBackend]
    }
  }
  // A host that starts before its endpoints resolve logs errors until it is restarted.
  dependsOn: [privateEndpoints]
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    componentId: monitoring.outputs.componentId
    workspaceId: monitoring.outputs.workspaceId
    email: alertEmail
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output SERVICE_API_NAME string = app.outputs.name
output SERVICE_API_URI string = app.outputs.url
output AZURE_OPENAI_ENDPOINT string = modelAccess.outputs.endpoint
output AZURE_OPENAI_CHAT_DEPLOYMENT_NAME string = modelDeploymentName
output CALLBACK_STORE string = eventStore
output DURABLE_BACKEND string = durableBackend
