import { type HttpHandler, type HttpRequest, HttpResponse, type InvocationContext } from '@azure/functions';

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string | null;
  readonly headers: Headers;
  readonly text: string;
}

/** The response of a handler as its client gets it. */
export async function httpAnswer(
  handler: HttpHandler,
  request: HttpRequest,
  context: InvocationContext,
): Promise<HttpAnswer> {
  const answer = (await handler(request, context)) ?? {};
  const response = answer instanceof HttpResponse ? answer : new HttpResponse(answer);
  const { status, headers } = response;
  return { status, contentType: headers.get('content-type'), headers, text: await response.text() };
}
