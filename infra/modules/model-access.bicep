import { Principal } from 'types.bicep'

param accountName string
param appPrincipalId string

@description('Resource id of the app\'s identity. It makes the name of the role assignment the same at each deployment.')
param appIdentityId string

param deployer Principal

var openAIUser = '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd'

resource account 'Microsoft.CognitiveServices/accounts@2025-12-01' existing = {
  name: accountName
}

resource appAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, appIdentityId, openAIUser)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', openAIUser)
  }
}

resource deployerAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployer.id)) {
  scope: account
  name: guid(account.id, deployer.id, openAIUser)
  properties: {
    principalId: deployer.id
    principalType: deployer.type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', openAIUser)
  }
}

// The custom subdomain, not properties.endpoint, which accounts of the kind AIServices give for another API.
output endpoint string = 'https://${account.properties.customSubDomainName}.openai.azure.com/'
