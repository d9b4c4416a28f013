@description('Part of each name.')
param token string

param location string
param tags object
param componentId string
param workspaceId string

@description('Empty to notify no one.')
param email string

var actionGroupIds = empty(email) ? [] : [actionGroup.id]

// What the app logs: the texts are checked against its source by tests/infra.
var logAlerts = [
  {
    name: 'failed-runs'
    description: 'Agent runs failed. The code after "run failed:" says why: the model, a timeout, the app.'
    text: 'run failed:'
  }
  {
    name: 'lost-events'
    description: 'The event store does not accept events. Runs continue; their events are lost.'
    text: 'the event store did not accept them'
  }
]

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'agents'
    emailReceivers: [{ name: 'operator', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource failedRequests 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'failed-requests-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'More than 5 requests failed within 5 minutes.'
    severity: 2
    enabled: true
    scopes: [componentId]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'failed'
          metricNamespace: 'microsoft.insights/components'
          metricName: 'requests/failed'
          operator: 'GreaterThan'
          threshold: 5
          timeAggregation: 'Count'
        }
      ]
    }
    actions: [for id in actionGroupIds: { actionGroupId: id }]
  }
}

resource logged 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for alert in logAlerts: {
    name: '${alert.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      description: alert.description
      severity: 2
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT5M'
      // The table exists only after the first log line.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: 'AppTraces | where Message contains "${alert.text}"'
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: actionGroupIds }
      autoMitigate: true
    }
  }
]
