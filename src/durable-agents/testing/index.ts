// Helpers for tests of agents, tools and callbacks, without a model or a Functions host. The app never loads them.
export { RecordingCallback } from './recording-callback.js';
export { runOnce, type RunOnceOptions } from './run-once.js';
export { type ScriptedAnswer, ScriptedChatModel } from './scripted-chat-model.js';
