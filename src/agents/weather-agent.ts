import { z } from 'zod';
import { type Agent, defineTool } from '../durable-agents/index.js';
import { type ChatCompletionAgentOptions, createChatCompletionAgent } from '../openai/chat-completion-agent.js';

const INSTRUCTIONS =
  'You tell the weather. Use get_weather for every place you are asked about, and say that its data are a fixed sample.';

/** Sample data, so that the demo needs no weather service. */
const SAMPLE_WEATHER: Readonly<Record<string, { readonly temperatureC: number; readonly sky: string }>> = {
  amsterdam: { temperatureC: 14, sky: 'light rain' },
  berlin: { temperatureC: 17, sky: 'cloudy' },
  cairo: { temperatureC: 33, sky: 'clear' },
  london: { temperatureC: 15, sky: 'overcast' },
  'new york': { temperatureC: 21, sky: 'partly cloudy' },
  paris: { temperatureC: 22, sky: 'sunny' },
  seattle: { temperatureC: 13, sky: 'drizzle' },
  sydney: { temperatureC: 19, sky: 'clear' },
  tokyo: { temperatureC: 24, sky: 'humid and hazy' },
};

const getWeather = defineTool({
  name: 'get_weather',
  description: 'Returns the weather in a city, from fixed sample data.',
  parameters: z.object({ location: z.string().describe('The name of a city, for example Paris') }),
  execute: ({ location }) => {
    const weather = SAMPLE_WEATHER[location.split(',', 1)[0]?.trim().toLowerCase() ?? ''];
    const source = 'fixed sample data';
    return weather === undefined
      ? { location, source, error: 'No data for this place.', known: Object.keys(SAMPLE_WEATHER) }
      : { location, source, ...weather };
  },
});

/** Creates an agent that looks up the weather with a tool. */
export function createWeatherAgent(model: Omit<ChatCompletionAgentOptions, 'name' | 'instructions'>): Agent {
  return createChatCompletionAgent({ ...model, name: 'WeatherAgent', instructions: INSTRUCTIONS, tools: [getWeather] });
}
