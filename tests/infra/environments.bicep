targetScope = 'subscription'

// Deploys the template once for each environment, so that one snapshot shows them all.

param environments {
  name: string
  eventStore: 'table' | 'redis' | 'cosmos'
  durableBackend: 'storage' | 'scheduler'
  privateNetwork: bool
  existingModelAccountId: string?
}[]

module deployed '../../infra/main.bicep' = [
  for (environment, index) in environments: {
    name: 'environment-${index}'
    params: {
      environmentName: environment.name
      location: 'westeurope'
      modelLocation: 'swedencentral'
      principalId: '33333333-3333-3333-3333-333333333333'
      eventStore: environment.eventStore
      durableBackend: environment.durableBackend
      privateNetwork: environment.privateNetwork
      existingModelAccountId: environment.?existingModelAccountId
      alwaysReadyHttpInstances: index
      alertEmail: index == 0 ? '' : 'operator@example.com'
    }
  }
]
