using 'environments.bicep'

// Every choice of event store, durable back end and network; and a model that exists already.
param environments = concat(
  flatten(map(['table', 'redis', 'cosmos'], eventStore =>
    flatten(map(['storage', 'scheduler'], durableBackend =>
      map(['public', 'private'], network => {
        name: '${eventStore}-${durableBackend}-${network}'
        eventStore: eventStore
        durableBackend: durableBackend
        privateNetwork: network == 'private'
      })
    ))
  )),
  [
    {
      name: 'existing-model'
      eventStore: 'table'
      durableBackend: 'storage'
      privateNetwork: true
      existingModelAccountId: '/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/models/providers/Microsoft.CognitiveServices/accounts/our-models'
    }
  ]
)
