export { backoff, credentials } from './connecting.ts';
export * from './resumable.ts';
