export { conversationSchema } from '../thread/conversation.js';
export * from './answer-schemas.js';
export { conversationQuery } from './conversation-route.js';
export { deleteThreadQuery } from './delete-thread-route.js';
export { runsQuery } from './run-routes.js';
export { statsQuery, statsSchema } from './stats-route.js';
