// For tests of agents, tools and callbacks, without a model and without a Functions host. The app itself never loads this.
export { RecordingCallback } from './recording-callback.js';
export { runOnce, type RunOnceOptions } from './run-once.js';
export { type ScriptedAnswer, ScriptedChatModel } from './scripted-chat-model.js';
