export { startLocalStack, ConsoleRefused } from './local-stack.js';
