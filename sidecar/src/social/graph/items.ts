import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { isMissing, type Containers } from './container.ts';
import type { PlatformRun, PostMedia } from '../platform.ts';

const containerSchema = z.object({
	/** As graphId. */
	id: z.string(),
	/** Where its bytes go; as good as a token. Null: the platform fetches them. */
	uri: z.string().nullable(),
	/** Milliseconds since 1970. */
	createdAt: z.number(),
	uploaded: z.boolean(),
});
export type Container = z.infer<typeof containerSchema>;

const stateSchema = z.looseObject({
	/** One for each file; a single one where there are words alone. */
	items: z.array(containerSchema.nullable()).default([]),
	/** What is published, where that is not the only item. */
	carousel: containerSchema.nullable().default(null),
});

/** What differs between the platforms. */
export interface ItemParts {
	/** `Instagram` */
	title: string;
	containers: Containers;
	/** Makes the container of one file, of the whole post where it is the only one; null: there are words alone. `action`: for people. */
	make(run: PlatformRun, media: PostMedia | null, action: string): Promise<Container>;
	/** Makes the container of a carousel. */
	join(run: PlatformRun, items: readonly string[], action: string): Promise<Container>;
	/** Whether bytes must be sent to the container. Absent: never. */
	upload?: {
		needed(run: PlatformRun, media: PostMedia): boolean;
		/** `fresh`: the container was made a moment ago. */
		send(run: PlatformRun, container: Container, media: PostMedia, fresh: boolean): Promise<void>;
	};
}

/** Containers live 24 hours (platforms.md 5.2, 7.2): one that expires sooner than this is made again. */
const LIFE_MS = 24 * 3_600_000 - 15 * 60_000;
/** As long as others wait (platforms.md 13.1). */
const LONGEST_PROCESSING_SECONDS = 30 * 60;
const ROUNDS = 3;

const fileOf = (index: number, count: number): string => (count < 2 ? 'the post' : `file ${index + 1} of ${count}`);

/** The containers of a post, durable one by one, so that a later process goes on behind them. */
export function createItems({ title, containers, make, join, upload }: ItemParts) {
	const usable = (run: PlatformRun, container: Container | null | undefined): Container | null =>
		container && container.createdAt + LIFE_MS > run.now().getTime() ? container : null;

	/** A container of one file, with its bytes where they are uploaded. */
	async function prepare(
		run: PlatformRun,
		{ media, name }: { media: PostMedia | null; name: string },
		known: Container | null,
		keep: (container: Container | null) => Promise<void>,
	): Promise<void> {
		let container = known;
		if (!container) {
			container = await make(run, media, `prepare ${name}`);
			await keep(container);
		}
		if (!media || !upload?.needed(run, media) || container.uploaded) return;
		try {
			await upload.send(run, container, media, !known);
		} catch (error) {
			// The platform forgot what a former process had begun: once more from the start.
			if (!known || !isMissing(error)) throw error;
			await keep(null);
			return prepare(run, { media, name }, null, keep);
		}
		await keep({ ...container, uploaded: true });
	}

	/** A carousel is made of items that are ready. False: one of them is gone. */
	async function areReady(run: PlatformRun, items: readonly Container[]): Promise<boolean> {
		for (const [index, item] of items.entries()) {
			for (let waited = 0; ; ) {
				const result = await containers.check(run, item, fileOf(index, items.length));
				if (result.state === 'ready') break;
				if (result.state === 'restart') return false;
				if (waited >= LONGEST_PROCESSING_SECONDS) {
					throw new PipelineError(
						'platform_unavailable',
						`${title} has not finished processing the media after ${LONGEST_PROCESSING_SECONDS / 60} minutes. Nothing was posted.`,
					);
				}
				waited += result.afterSeconds;
				await run.sleep(result.afterSeconds * 1000);
			}
		}
		return true;
	}

	return {
		/** What is published; null: it was never made. */
		target(run: PlatformRun): Container | null {
			const { items, carousel } = stateSchema.parse(run.state);
			return run.post.media.length > 1 ? carousel : (items[0] ?? null);
		},

		async start(run: PlatformRun): Promise<void> {
			const files = run.post.media.length > 0 ? run.post.media : [null];
			for (let round = 1; ; round += 1) {
				const saved = stateSchema.parse(run.state);
				if (files.length > 1 && usable(run, saved.carousel)) return;
				for (const [index, file] of files.entries()) {
					const keep = (container: Container | null) => {
						const state = stateSchema.parse(run.state);
						state.items[index] = container;
						return run.save({ ...state, items: Array.from(state.items, (entry) => entry ?? null) });
					};
					await prepare(run, { media: file, name: fileOf(index, files.length) }, usable(run, saved.items[index]), keep);
					run.progress(((index + 1) / files.length) * 100);
				}
				if (files.length === 1) return;
				const items = stateSchema.parse(run.state).items.filter((item) => item !== null);
				if (await areReady(run, items)) {
					const carousel = await join(
						run,
						items.map(({ id }) => id),
						'prepare the post',
					);
					return run.save({ ...stateSchema.parse(run.state), carousel });
				}
				if (round === ROUNDS) throw new PipelineError('platform_unavailable', `${title} lost the uploaded media again and again. Nothing was posted.`);
				await run.save({});
			}
		},
	};
}
