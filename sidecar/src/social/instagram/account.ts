import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { graphId, type Graph } from '../graph.ts';
import type { InstagramLogin } from './form.ts';
import { HttpFailure } from '../outcome.ts';
import type { Account, AccountRun } from '../platform.ts';

const linkedSchema = z.object({ id: graphId, username: z.string().default('') });
const pageSchema = z.object({ id: graphId, name: z.string().default(''), instagram_business_account: linkedSchema.optional() });
const pagesSchema = z.object({
	data: z.array(pageSchema),
	paging: z.object({ next: z.string().optional(), cursors: z.object({ after: z.string().optional() }).optional() }).optional(),
});
const ownSchema = z.object({ id: graphId, user_id: graphId.optional(), username: z.string(), account_type: z.string().optional() });

/** More Pages than these are not looked through. */
const PAGES_READ = { limit: 100, lists: 10 } as const;
const FIELDS = 'id,name,instagram_business_account{id,username}';
const PROFESSIONAL =
	'Instagram takes posts through apps only from professional accounts (business or creator). In the Instagram app: Settings, Account type and tools, Switch to professional account.';

/** The Instagram account behind a token: its own with Instagram Login; that of a Page with Facebook Login (platforms.md 5.1). */
export async function findInstagramAccount(graph: Graph, run: AccountRun, login: InstagramLogin, wanted: string | undefined): Promise<Account> {
	const account = login === 'instagram' ? await ownAccount(graph, run) : await linkedAccount(graph, run, wanted);
	if (wanted === undefined || isMeant(account, wanted)) return account;
	throw new PipelineError(
		'post_rejected',
		`The connected Instagram account is ${account.name}, not ${wanted}. Choose the credential of ${wanted}, or leave the account out. Nothing was posted.`,
	);
}

const isMeant = ({ id, name }: Account, wanted: string): boolean => id === wanted || name.toLowerCase() === wanted.replace(/^@/, '').toLowerCase();

const read = { action: 'read the account', effect: 'read', method: 'GET' } as const;

async function ownAccount(graph: Graph, run: AccountRun): Promise<Account> {
	const { data } = await graph.call(run, { ...read, path: '/me', values: { fields: 'user_id,username,account_type' }, schema: ownSchema });
	if (data.account_type?.toUpperCase() === 'PERSONAL')
		throw new PipelineError('post_rejected', `${data.username} is a personal account. ${PROFESSIONAL} Nothing was posted.`);
	// `user_id` is the one that the other calls want.
	return { id: data.user_id ?? data.id, name: data.username };
}

async function linkedAccount(graph: Graph, run: AccountRun, wanted: string | undefined): Promise<Account> {
	const pages = await readPages(graph, run);
	const linked = pages.flatMap(({ instagram_business_account: account }) => (account ? [{ id: account.id, name: account.username }] : []));
	const meant = wanted === undefined ? linked : linked.filter((account) => isMeant(account, wanted));
	const [only, ...others] = meant;
	if (only && others.length === 0) return only;
	const names = linked.map(({ name }) => name).join(', ');
	if (only)
		throw new PipelineError(
			'post_rejected',
			`The token reaches several Instagram accounts: ${names}. Say which one in the option Account. Nothing was posted.`,
		);
	if (linked.length > 0)
		throw new PipelineError(
			'post_rejected',
			`The token reaches the Instagram account(s) ${names}, not ${wanted}. Check the option Account. Nothing was posted.`,
		);
	throw new PipelineError(
		'post_rejected',
		`None of the ${pages.length} Facebook Page(s) of the token has an Instagram account linked to it. Link it on the Page (Settings, Linked accounts). ${PROFESSIONAL} Nothing was posted.`,
	);
}

/** The token of a person reaches Pages; that of a Page only itself. */
async function readPages(graph: Graph, run: AccountRun): Promise<Array<z.infer<typeof pageSchema>>> {
	try {
		const pages: Array<z.infer<typeof pageSchema>> = [];
		let after: string | undefined;
		for (let list = 0; list < PAGES_READ.lists; list += 1) {
			const { data: answer } = await graph.call(run, { ...read, path: '/me/accounts', values: { fields: FIELDS, limit: PAGES_READ.limit, after }, schema: pagesSchema });
			pages.push(...answer.data);
			after = answer.paging?.next ? answer.paging.cursors?.after : undefined;
			if (after === undefined) break;
		}
		return pages;
	} catch (error) {
		if (!(error instanceof HttpFailure) || error.platformCode !== '100') throw error;
		const { data } = await graph.call(run, { ...read, path: '/me', values: { fields: FIELDS }, schema: pageSchema });
		return [data];
	}
}
