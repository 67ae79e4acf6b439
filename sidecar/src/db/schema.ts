/** All tables. Every time is `timestamptz`, every id a random UUID made by the application. */
export * from './schema/work.ts';
export * from './schema/events.ts';
export * from './schema/posts.ts';
export * from './schema/search.ts';
export * from './schema/webhooks.ts';
export * from './schema/audit.ts';
export * from './schema/uploads.ts';
export * from './schema/limits.ts';
export * from './schema/sources.ts';
