/** What an API key may do. Each route of the API (http/openapi.ts) names the one that it takes. */
export const SCOPES = ['read', 'write', 'publish', 'delete', 'admin', 'platform'] as const;
export type Scope = (typeof SCOPES)[number];

export const SCOPE_TEXTS: Record<Scope, string> = {
	read: 'look at assets, jobs, posts, usage, and listen to events',
	write: 'bring in media, submit, cancel and retry jobs, register webhooks, correct',
	publish: 'publish and delete posts on platforms',
	delete: 'delete assets and what belongs to them',
	admin: 'manage the API keys and the settings of the workspace, read its audit log',
	platform: 'make and delete workspaces, set their quotas; only for keys of the workspace "default"',
};

/** Stored for a key that may do everything. */
export const ALL = '*';

export const allows = (scopes: readonly string[], scope: Scope): boolean => scopes.includes(ALL) || scopes.includes(scope);

/** Whether who has `own` may give `others` away. */
export const covers = (own: readonly string[], others: readonly string[]): boolean => own.includes(ALL) || others.every((scope) => own.includes(scope));

/** Operations that reach out to platforms; whoever may not publish must not do it as a job either. */
const PUBLISHING: ReadonlySet<string> = new Set(['publish', 'delete_post']);

/** What a job of this operation takes, whoever submits or retries it, and however. */
export const scopeOfOperation = (name: string): Scope => (PUBLISHING.has(name) ? 'publish' : 'write');
