import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { describeKeyValueStore } from '../describe-key-value-store.js';

describeKeyValueStore('memory', () => new MemoryKeyValueStore(), { propertyRuns: 200 });
