import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { ask, type TypedRequest } from './call.ts';
import type { Http } from './http.ts';
import { HttpFailure } from './outcome.ts';
import { bucketJudge, judgePinterest } from './pinterest/errors.ts';
import { boardNamed, mediaSource, pinTexts, pinterestLimits, sameTexts, settingsSchema, type Board } from './pinterest/pin.ts';
import type { AccountRun, CheckResult, Engagement, FinishResult, LookResult, Platform, PlatformRun, PostMedia, Published, ReconcileResult } from './platform.ts';

export interface PinterestOptions {
	http: Http;
	/** With its version. Default https://api.pinterest.com/v5 */
	apiBaseUrl?: string;
	/** Where pins are seen. Default https://www.pinterest.com */
	webBaseUrl?: string;
	/** How long after the call a pin may appear on its board before its absence counts. Default 120: a minute more than is waited for the answer; nothing is documented. */
	settleSeconds?: number;
}

/** Pictures travel in the publishing call itself; the longest that the lease of a claim allows. */
const PUBLISH_TIMEOUT_SECONDS = 60;
/** platforms.md 8.2: every 5 to 10 s. */
const FIRST_POLL_SECONDS = 5;
const LATER_POLL_SECONDS = 10;
/** How often an upload that was sent may still be called `registered`: the bucket and the API are two services. */
const REGISTERED_POLLS = 12;
/** The largest page (OpenAPI 5.23). */
const PAGE_SIZE = 250;
const BOARD_PAGES = 8;
const PIN_PAGES = 4;
/** Numbers go back this far (OpenAPI 5.23). */
const ANALYTICS_DAYS = 90;
const DAY_MS = 86_400_000;

const uploadSchema = z.object({
	id: z.string(),
	url: z.string(),
	parameters: z.record(z.string(), z.string()),
	sent: z.boolean(),
	ready: z.boolean(),
	polls: z.number(),
});
type Upload = z.infer<typeof uploadSchema>;
const stateSchema = z.object({
	upload: uploadSchema.nullable().default(null),
	boardId: z.string().nullable().default(null),
	/** Of the board. */
	sectionId: z.string().nullable().default(null),
	/** Pins that were on the board before the publishing call. */
	before: z.array(z.string()).default([]),
});
type State = z.infer<typeof stateSchema>;

const accountAnswer = z.object({ username: z.string(), id: z.string().nullish() });
const boardsAnswer = z.object({ items: z.array(z.object({ id: z.string(), name: z.string() })), bookmark: z.string().nullish() });
const registerAnswer = z.object({ media_id: z.string(), upload_url: z.string(), upload_parameters: z.record(z.string(), z.string()) });
const mediaAnswer = z.object({ status: z.enum(['registered', 'processing', 'succeeded', 'failed']) });
const createAnswer = z.object({ id: z.string() });
const counts = z.record(z.string(), z.number().nullish().catch(null));
const pinAnswer = z.object({
	id: z.string(),
	title: z.string().nullish(),
	description: z.string().nullish(),
	link: z.string().nullish(),
	alt_text: z.string().nullish(),
	media: z.object({ media_type: z.string() }).nullish().catch(null),
	pin_metrics: z.object({ lifetime_metrics: counts.nullish() }).nullish().catch(null),
});
const pinsAnswer = z.object({ items: z.array(pinAnswer), bookmark: z.string().nullish() });
const analyticsAnswer = z.object({ all: z.object({ summary_metrics: counts }) });

/** Pinterest, API v5 (platforms.md 8). */
export function createPinterest({
	http,
	apiBaseUrl = 'https://api.pinterest.com/v5',
	webBaseUrl = 'https://www.pinterest.com',
	settleSeconds = 120,
}: PinterestOptions): Platform {
	type Call<T> = Omit<TypedRequest<T>, 'url' | 'token'> & { path: string };
	const send = <T>(run: AccountRun, { path, ...request }: Call<T>) =>
		ask(http, { judge: judgePinterest(run.now), ...request, url: `${apiBaseUrl.replace(/\/$/, '')}${path}`, token: run.credentials.accessToken }, run);

	const published = (id: string): Published => ({ state: 'published', remoteId: id, permalink: `${webBaseUrl.replace(/\/$/, '')}/pin/${id}/` });

	/** Asked once per run: the checks before and the steps after want them. */
	const boards = new WeakMap<AccountRun, Promise<Board[]>>();
	function boardsOf(run: AccountRun): Promise<Board[]> {
		const known = boards.get(run) ?? readBoards(run);
		boards.set(run, known);
		known.catch(() => boards.delete(run));
		return known;
	}

	async function readBoards(run: AccountRun): Promise<Board[]> {
		const found: Board[] = [];
		let bookmark: string | null | undefined;
		for (let page = 0; page < BOARD_PAGES; page += 1) {
			const query = new URLSearchParams({ page_size: String(PAGE_SIZE), ...(bookmark ? { bookmark } : {}) });
			const { data } = await send(run, { action: 'read the boards', effect: 'read', method: 'GET', path: `/boards?${query}`, schema: boardsAnswer });
			found.push(...data.items);
			bookmark = data.bookmark;
			if (!bookmark) break;
		}
		return found;
	}

	async function register(run: PlatformRun): Promise<Upload> {
		const { data } = await send(run, {
			action: 'begin the upload',
			effect: 'upload',
			method: 'POST',
			path: '/media',
			schema: registerAnswer,
			body: { kind: 'json', value: { media_type: 'video' } },
		});
		return { id: data.media_id, url: data.upload_url, parameters: data.upload_parameters, sent: false, ready: false, polls: 0 };
	}

	/** To the bucket that Pinterest named: its form is the permission, there is no token, and the file comes last (platforms.md 8.2). */
	async function sendFile(run: PlatformRun, { url, parameters }: Upload, media: PostMedia): Promise<void> {
		const file = { path: media.path, start: 0, end: media.bytes, fileName: 'video.mp4', mime: media.mime };
		const fields = Object.entries(parameters).map(([name, value]) => ({ name, value }));
		const body = { kind: 'form' as const, fields: [...fields, { name: 'file', file }] };
		const secrets = Object.entries(parameters).flatMap(([name, value]) => (/signature|token|credential|policy/i.test(name) ? [value] : []));
		await ask(http, { action: 'upload the video', effect: 'upload', method: 'POST', url, token: null, secrets, judge: bucketJudge, body, schema: z.unknown() }, run);
	}

	/** Where the pin will be found: whether the list of a board has the pins of its sections is not documented (OpenAPI 5.23 has a list of each). */
	const listsOf = (state: State): string[] => {
		const board = `/boards/${encodeURIComponent(boardOf(state))}`;
		return state.sectionId === null ? [`${board}/pins`] : [`${board}/sections/${encodeURIComponent(state.sectionId)}/pins`, `${board}/pins`];
	};

	/** The newest pins of a board or section, page by page. */
	async function pinsOf(run: PlatformRun, list: string, bookmark: string | null) {
		const query = new URLSearchParams({ page_size: String(PAGE_SIZE), ...(bookmark ? { bookmark } : {}) });
		const { data } = await send(run, { action: 'read the pins of the board', effect: 'read', method: 'GET', path: `${list}?${query}`, schema: pinsAnswer });
		return data;
	}

	/** Looks through the pins that are not among `known`. Null: none is like it. */
	async function findPin(run: PlatformRun, list: string, known: ReadonlySet<string>): Promise<ReconcileResult | null> {
		let bookmark: string | null = null;
		for (let page = 0; page < PIN_PAGES; page += 1) {
			const { items, bookmark: next } = await pinsOf(run, list, bookmark);
			const fresh = items.filter((pin) => !known.has(pin.id));
			const mine = fresh.filter((pin) => sameTexts(pin, run.post) === 'all');
			// The oldest one: others like it came later.
			if (mine.length > 0) return { ...published(mine.at(-1)!.id), ...(mine.length > 1 ? { warnings: [SEVERAL] } : {}) };
			const alike = fresh.find((pin) => sameTexts(pin, run.post) === 'some');
			if (alike) return { state: 'unknown', reason: `there is a new pin that resembles it: ${published(alike.id).permalink}` };
			if (!next || fresh.length < items.length) return null;
			bookmark = next;
		}
		return { state: 'unknown', reason: 'the board has too many newer pins to look through' };
	}

	return {
		name: 'pinterest',
		title: 'Pinterest',
		needsBaseUrl: false,
		settings: settingsSchema,

		async identify(run) {
			const { data } = await send(run, { action: 'read the account', effect: 'read', method: 'GET', path: '/user_account', schema: accountAnswer });
			return { id: data.id ?? data.username, name: data.username };
		},

		limits: async (run) => pinterestLimits(run.post, boardNamed(settingsSchema.parse(run.settings).board, await boardsOf(run))),

		async start(run) {
			const state = stateSchema.parse(run.state);
			if (state.boardId === null) {
				const { board: wanted, board_section_id: section = null } = settingsSchema.parse(run.settings);
				const board = boardNamed(wanted, await boardsOf(run));
				if ('problem' in board) throw new PipelineError('post_invalid', board.problem);
				state.boardId = board.id;
				state.sectionId = section;
				await run.save(state);
			}
			const video = run.post.media.find((media) => media.facts.fileType === 'video');
			if (!video || state.upload?.sent) return;
			for (const last of [false, true]) {
				const upload: Upload = state.upload ?? (await register(run));
				if (!state.upload) await run.save({ ...state, upload });
				try {
					await sendFile(run, upload, video);
					await run.save({ ...state, upload: { ...upload, sent: true } });
					return run.progress(100);
				} catch (error) {
					// The form of an earlier run is valid for a while only: ask for a new one.
					if (last || !(error instanceof HttpFailure) || error.status !== 403) throw error;
					state.upload = null;
				}
			}
		},

		async check(run): Promise<CheckResult> {
			const state = stateSchema.parse(run.state);
			const { upload } = state;
			if (upload && !upload.ready) {
				const status = await statusOf(run, upload.id);
				if (status === 'gone' || (status === 'registered' && upload.polls >= REGISTERED_POLLS)) return { state: 'restart', reason: 'the uploaded video is not known any more' };
				if (status === 'failed') {
					throw new PipelineError(
						'post_rejected',
						'Pinterest could not process the video; it gives no reason. Make a rendition for Pinterest (Any Media, Platform Rendition) and post that. Nothing was posted.',
						{ details: { platform_code: 'failed' } },
					);
				}
				state.upload = { ...upload, ready: status === 'succeeded', polls: upload.polls + 1 };
				await run.save(state);
				if (status !== 'succeeded') return { state: 'waiting', afterSeconds: upload.polls === 0 ? FIRST_POLL_SECONDS : LATER_POLL_SECONDS };
			}
			// Seen now, right before the publishing call: whatever is new afterwards may be ours (there is no better evidence).
			const before = new Set<string>();
			for (const list of listsOf(state)) for (const pin of (await pinsOf(run, list, null)).items) before.add(pin.id);
			await run.save({ ...state, before: [...before] });
			return { state: 'ready' };
		},

		async finish(run): Promise<FinishResult> {
			const state = stateSchema.parse(run.state);
			try {
				const { data } = await send(run, {
					action: 'create the pin',
					effect: 'publish',
					method: 'POST',
					path: '/pins',
					schema: createAnswer,
					timeoutSeconds: PUBLISH_TIMEOUT_SECONDS,
					body: {
						kind: 'json',
						value: { board_id: boardOf(state), ...(state.sectionId === null ? {} : { board_section_id: state.sectionId }), ...pinTexts(run.post), media_source: mediaSource(run.post, state.upload?.id ?? null) },
					},
				});
				return published(data.id);
			} catch (error) {
				if (!(error instanceof HttpFailure) || error.decision !== 'stop' || !state.upload || !/media|video/i.test(error.detail)) throw error;
				if (error.status === 404 || /not found/i.test(error.detail)) return { state: 'restart', reason: error.detail };
				if (error.status !== 400 || !/not (yet )?(ready|finished|processed|available)|process/i.test(error.detail)) throw error;
				await run.save({ ...state, upload: { ...state.upload, ready: false } });
				return { state: 'waiting', afterSeconds: FIRST_POLL_SECONDS };
			}
		},

		/** No key, no id: the board is looked through for a new pin with the same texts (platforms.md 0.3). */
		async reconcile(run, { openSince }): Promise<ReconcileResult> {
			const state = stateSchema.parse(run.state);
			const known = new Set(state.before);
			for (const list of listsOf(state)) {
				const found = await findPin(run, list, known);
				if (found) return found;
			}
			const early = openSince.getTime() + settleSeconds * 1000 - run.now().getTime();
			return early > 0 ? { state: 'waiting', afterSeconds: Math.min(10, settleSeconds) } : { state: 'absent' };
		},

		async look(run, remoteId): Promise<LookResult> {
			const pin = await pinOf(run, remoteId);
			return pin ? published(pin.id) : { state: 'gone', reason: 'The pin has been deleted on Pinterest.' };
		},

		async remove(run, remoteId) {
			try {
				await send(run, { action: 'delete the pin', effect: 'upload', method: 'DELETE', path: `/pins/${encodeURIComponent(remoteId)}`, schema: z.unknown() });
			} catch (error) {
				if (!(error instanceof HttpFailure && error.status === 404)) throw error;
			}
		},

		async measure(run, remoteIds) {
			const found = new Map<string, Engagement>();
			for (const remoteId of remoteIds) {
				const pin = await pinOf(run, remoteId);
				if (pin) found.set(remoteId, await engagementOf(run, pin));
			}
			return found;
		},
	};

	async function statusOf(run: PlatformRun, id: string): Promise<z.infer<typeof mediaAnswer>['status'] | 'gone'> {
		try {
			const path = `/media/${encodeURIComponent(id)}`;
			return (await send(run, { action: 'ask whether the video is ready', effect: 'read', method: 'GET', path, schema: mediaAnswer })).data.status;
		} catch (error) {
			if (error instanceof HttpFailure && error.status === 404) return 'gone';
			throw error;
		}
	}

	/** Null: there is no such pin. */
	async function pinOf(run: AccountRun, id: string): Promise<z.infer<typeof pinAnswer> | null> {
		try {
			const path = `/pins/${encodeURIComponent(id)}?pin_metrics=true`;
			return (await send(run, { action: 'read the pin', effect: 'read', method: 'GET', path, schema: pinAnswer })).data;
		} catch (error) {
			if (error instanceof HttpFailure && error.status === 404) return null;
			throw error;
		}
	}

	/** Totals come with the pin; saves and plays only from the analytics, which know the last 90 days and business accounts. */
	async function engagementOf(run: AccountRun, pin: z.infer<typeof pinAnswer>): Promise<Engagement> {
		const video = pin.media?.media_type === 'video';
		const total = pin.pin_metrics?.lifetime_metrics ?? {};
		const recent = await analyticsOf(run, pin.id, video ? 'SAVE,VIDEO_MRC_VIEW' : 'SAVE');
		return {
			views: (video ? recent['VIDEO_MRC_VIEW'] : null) ?? total['impression'] ?? null,
			likes: total['reaction'] ?? null,
			comments: total['comment'] ?? null,
			shares: null,
			saves: recent['SAVE'] ?? null,
			clicks: total['clickthrough'] ?? null,
		};
	}

	async function analyticsOf(run: AccountRun, id: string, metrics: string): Promise<z.infer<typeof counts>> {
		const day = (ago: number) => new Date(run.now().getTime() - ago * DAY_MS).toISOString().slice(0, 10);
		// A day less: on both sides it may be another day by now.
		const query = new URLSearchParams({ start_date: day(ANALYTICS_DAYS - 1), end_date: day(0), metric_types: metrics });
		try {
			const path = `/pins/${encodeURIComponent(id)}/analytics?${query}`;
			return (await send(run, { action: 'read the numbers of the pin', effect: 'read', method: 'GET', path, schema: analyticsAnswer })).data.all.summary_metrics;
		} catch (error) {
			if (error instanceof HttpFailure && error.decision === 'stop') return {};
			throw error;
		}
	}
}

const SEVERAL = 'The answer of Pinterest was lost, and several new pins with these texts are on the board: this is the first of them.';

function boardOf({ boardId }: State): string {
	if (boardId === null) throw new PipelineError('internal', 'The board of a pin is not known.');
	return boardId;
}
