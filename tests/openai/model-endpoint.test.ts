import { describe, expect, it } from 'vitest';
import { ModelEndpointError, parseModelEndpoint } from '../../src/openai/model-endpoint.js';

const resource = 'https://weather.openai.azure.com';
const foundry = 'https://weather.services.ai.azure.com';

/** The URL that is called for the deployment `gpt`. */
function calledAddress(value: string, apiVersion?: string): string {
  const { endpoint } = parseModelEndpoint(value, apiVersion);
  return endpoint.api === 'v1'
    ? `${endpoint.baseUrl}/chat/completions`
    : `${endpoint.baseUrl}/deployments/gpt/chat/completions?api-version=${endpoint.apiVersion}`;
}

/** The error message for an endpoint. Empty if it is valid. */
function refusal(value: string): string {
  try {
    parseModelEndpoint(value);
    return '';
  } catch (error) {
    if (error instanceof ModelEndpointError) return error.message;
    throw error;
  }
}

const dated = (root: string, version = '2024-10-21') =>
  `${root}/openai/deployments/gpt/chat/completions?api-version=${version}`;
const v1 = (root: string) => `${root}/openai/v1/chat/completions`;

describe('the model endpoint', () => {
  it.each<[pasted: string, apiVersion: string | undefined, called: string]>([
    [resource, undefined, dated(resource)],
    [`${resource}/`, '2025-01-01-preview', dated(resource, '2025-01-01-preview')],
    [`${resource}///`, undefined, dated(resource)],
    ['HTTPS://Weather.OpenAI.Azure.com', undefined, dated(resource)],
    [`${resource}//openai`, undefined, dated(resource)],
    [`${resource}//openai//v1//`, undefined, v1(resource)],
    [`${resource}/openai`, undefined, dated(resource)],
    [`${resource}/openai/`, undefined, dated(resource)],
    [`${resource}/openai/deployments/other/chat/completions`, undefined, dated(resource)],
    [
      `${resource}/openai/deployments/other/chat/completions?api-version=2025-01-01-preview`,
      undefined,
      dated(resource, '2025-01-01-preview'),
    ],
    [
      `${resource}/openai/deployments/other/chat/completions?api-version=2025-01-01`,
      '2024-06-01',
      dated(resource, '2024-06-01'),
    ],
    [`${resource}/openai/responses?api-version=2025-04-01-preview`, undefined, dated(resource, '2025-04-01-preview')],
    [`${resource}/openai/responses?Api-Version=2025-01-01`, undefined, dated(resource, '2025-01-01')],
    [`${resource}/openai/responses?api-version=`, undefined, dated(resource)],
    [`${resource}/?api-version=2025-01-01`, undefined, dated(resource, '2025-01-01')],
    [`${resource}/openai/v1`, undefined, v1(resource)],
    [`${resource}/openai/v1/`, undefined, v1(resource)],
    [`${resource}/openai/v1/chat/completions`, undefined, v1(resource)],
    [`${resource}/openai/v1/chat/completions?api-version=preview`, undefined, v1(resource)],
    [`${resource}/openai/v1/`, '2024-10-21', v1(resource)],
    [resource, 'v1', v1(resource)],
    [resource, 'preview', v1(resource)],
    [`${resource}/openai/deployments/gpt/chat/completions?api-version=2024-10-21`, 'v1', v1(resource)],
    [
      'https://westeurope.api.cognitive.microsoft.com/',
      undefined,
      dated('https://westeurope.api.cognitive.microsoft.com'),
    ],
    ['https://weather.cognitiveservices.azure.com/', undefined, dated('https://weather.cognitiveservices.azure.com')],
    [foundry, undefined, dated(foundry)],
    [`${foundry}/openai/v1/`, undefined, v1(foundry)],
    [`${foundry}/models`, undefined, v1(foundry)],
    [`${foundry}/models/chat/completions?api-version=2024-05-01-preview`, undefined, v1(foundry)],
    [`${foundry}/api/projects/weather`, undefined, v1(foundry)],
    [`${foundry}/api/projects/weather/`, '2024-10-21', v1(foundry)],
    [`${foundry}/api/projects/weather/openai/v1/responses`, undefined, v1(foundry)],
    ['http://127.0.0.1:4010/api/projects/weather', undefined, v1('http://127.0.0.1:4010')],
    ['https://gateway.example/team', undefined, dated('https://gateway.example/team')],
    ['https://gateway.example/team/openai', undefined, dated('https://gateway.example/team')],
    ['https://gateway.example/openai/team/openai/v1', undefined, v1('https://gateway.example/openai/team')],
    ['https://gateway.example/myopenai', undefined, dated('https://gateway.example/myopenai')],
    ['http://localhost:11434/v1', undefined, 'http://localhost:11434/v1/chat/completions'],
    ['http://localhost:11434/v1/chat/completions', 'v1', 'http://localhost:11434/v1/chat/completions'],
    ['http://localhost:8000/v1/models', undefined, 'http://localhost:8000/v1/chat/completions'],
    ['https://gateway.example/api/v1/responses', undefined, 'https://gateway.example/api/v1/chat/completions'],
    ['https://gateway.example/v1', '2024-10-21', dated('https://gateway.example/v1')],
    ['https://gateway.example/v1/chat/completions', '2024-10-21', dated('https://gateway.example/v1')],
    ['http://[::1]:4010', undefined, dated('http://[::1]:4010')],
  ])('"%s" with API version %s leads to requests to %s', (pasted, apiVersion, called) => {
    expect(calledAddress(pasted, apiVersion)).toBe(called);
  });

  it.each([
    ['weather.openai.azure.com', /^is not a URL/],
    ['weather', /^is not a URL/],
    ['http://weather.openai.azure.com', /^must use https/],
    ['http://localhost.example.com', /^must use https/],
    ['http://127.0.0.1.example.com', /^must use https/],
    ['ftp://example.com', /^must use https/],
    ['https://user:secret@weather.openai.azure.com', /^holds a user or a password/],
    ['https://weather.openai.azure.com/?code=1', /^has a query or a fragment/],
    ['https://weather.openai.azure.com/?api-version=2024-10-21&code=1', /^has a query or a fragment/],
    ['https://weather.openai.azure.com/?api-version=1', /^has an unknown api-version/],
    ['https://weather.openai.azure.com/openai/responses?api-version=new', /^has an unknown api-version/],
    ['https://weather.openai.azure.com/#a', /^has a query or a fragment/],
    ['https://weather.openai.azure.com/deployments/gpt', /^has a path that Azure OpenAI does not serve/],
    ['https://weather.services.ai.azure.com/agents', /^has a path that Azure OpenAI does not serve/],
    ['https://portal.azure.com/#view/openai', /^is the address of a portal page/],
    ['https://ai.azure.com/resource/deployments', /^is the address of a portal page/],
    ['https://oai.azure.com/portal/openai', /^is the address of a portal page/],
    ['https://api.openai.com/v1', /^is OpenAI's own API/],
    ['https://eu.api.openai.com/v1', /^is OpenAI's own API/],
    ['https://https://weather.openai.azure.com', /^has no valid host name/],
    ['https://weather.openai.azure.com,', /^has no valid host name/],
    ['https://{weather}.openai.azure.com', /^has no valid host name/],
    ['https://gateway.example/weather/deployments/gpt/chat/completions', /^has the path of a request/],
    ['http://localhost:11434/api/chat', /^has the path of a request/],
    ['http://localhost:11434/api/generate', /^has the path of a request/],
  ])('"%s" is rejected with the expected format', (pasted, problem) => {
    const message = refusal(pasted);
    expect(message).toMatch(problem);
    expect(message).toContain('expected https://NAME.openai.azure.com');
    expect(message).not.toContain('weather');
  });

  it.each([
    [resource, 'https://cognitiveservices.azure.com/.default'],
    [foundry, 'https://cognitiveservices.azure.com/.default'],
    ['https://weather.openai.azure.us', 'https://cognitiveservices.azure.us/.default'],
    ['https://weather.openai.azure.us/openai/v1/', 'https://cognitiveservices.azure.us/.default'],
    ['https://weather.openai.azure.cn', 'https://cognitiveservices.azure.cn/.default'],
    ['https://usgovvirginia.api.cognitive.microsoft.us', 'https://cognitiveservices.azure.us/.default'],
    ['https://gateway.azure-api.us/openai', 'https://cognitiveservices.azure.us/.default'],
    ['https://gateway.azure-api.cn/openai', 'https://cognitiveservices.azure.cn/.default'],
    ['https://gateway.example', 'https://cognitiveservices.azure.com/.default'],
    ['https://gateway.example.cn', 'https://cognitiveservices.azure.com/.default'],
  ])('"%s" uses tokens for the scope %s', (pasted, scope) => {
    expect(parseModelEndpoint(pasted).tokenScope).toBe(scope);
  });

  it.each([
    [`${foundry}/api/projects/weather`, undefined, /is a Foundry project/],
    [`${foundry}/models`, undefined, /is a model inference endpoint/],
    [`${resource}/openai/v1/`, '2024-10-21', /^AZURE_OPENAI_API_VERSION has no effect/],
    [`${resource}/openai/v1/`, 'v1', undefined],
    [resource, undefined, undefined],
  ])('"%s" with API version %s logs a notice if the URL is rewritten', (pasted, apiVersion, notice) => {
    expect(parseModelEndpoint(pasted, apiVersion).notice ?? '').toMatch(notice ?? /^$/);
  });
});
