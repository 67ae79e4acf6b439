import { z } from 'zod';
import { findAsset } from '../../db/assets.ts';
import type { Database } from '../../db/database.ts';
import { filmsLike, framesOf, gridStep, lengthOfAsset, olderOnes, replaceFingerprints, sameBytes, similarPictures, soundOf, soundsLike, type FingerprintKind } from '../../db/fingerprints.ts';
import { PipelineError, toPipelineError } from '../../errors.ts';
import { alignFrames, alignSounds, FRAME_BITS, SOUND_STEP_SECONDS, telling, type Aligned } from '../../media/align.ts';
import { hashFrames, hashPicture, hashSound, type FrameHash } from '../../media/fingerprint.ts';
import { likeness, mostDistance, type PictureHash } from '../../media/picture-hash.ts';
import type { TaskContext, TaskOperation } from '../operation.ts';

const params = z.strictObject({
	compare: z
		.enum(['all', 'picture', 'sound'])
		.default('all')
		.describe('What is compared: picture and sound, or one of them. Two films over the same music have the same sound. Default all.'),
	min_similarity: z
		.number()
		.min(0.4)
		.max(1)
		.default(0.65)
		.describe('How alike a copy must be: 1 is equal, 0 is as unlike as chance. Default 0.65, which forgives small sizes, strong compression and a logo.'),
	min_matched_seconds: z
		.number()
		.min(1)
		.max(3600)
		.default(5)
		.describe('How long the common part of two films or sounds must be; of shorter ones half. Default 5.'),
	mirrored: z.boolean().default(true).describe('Whether pictures that are mirrored left to right count as well. Default true.'),
	action: z
		.enum(['report', 'stop'])
		.default('report')
		.describe('stop: where there is a copy that was there before, the job fails with `conflict`, and the other operations of the same request with it. report: only tells. Default report.'),
});
type Params = z.infer<typeof params>;

export interface Duplicate {
	asset_id: string;
	/** identical: the same bytes. */
	kind: 'identical' | 'image' | 'video' | 'sound';
	/** 0 to 1 */
	similarity: number;
	/** Part of this asset that the other one has, too; null for pictures. */
	matched_seconds: [number, number] | null;
	/** What has to be added to a time of this asset to find the same in the other one; null for pictures. */
	offset_seconds: number | null;
	mirrored?: true;
	/** Whether it was there before this asset. */
	older: boolean;
}
type Found = Omit<Duplicate, 'older'>;

/** Assets that are compared in full, of each kind, and as many of each kind are told of. */
const MOST_CANDIDATES = 20;
/** Frames that are looked for in all films of the workspace: shorter common parts than a 120th of the new one may be missed. */
const MOST_PROBES = 120;
/** Numbers of a sound that are looked for in all sounds. */
const MOST_NUMBERS = 2048;
/** Two or three frames can be alike by chance; they must be more so. */
const FEW_FRAMES = 3;
const FEW_SIMILARITY = 0.8;

/** Copies of an asset among the others of its workspace, wherever they are cut, however they are compressed. */
export function createFindDuplicates({ db }: { db: Database }): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'find_duplicates',
		version: 1,
		summary: 'Finds copies of the asset in the workspace, also when they are resized, compressed anew, trimmed, mirrored, or carry a logo; by picture and by sound.',
		analyses: true,
		guards: ({ action }) => action === 'stop',
		accepts: ['video', 'image', 'audio'],
		params,
		example: { compare: 'all', action: 'report' },
		produces:
			'`is_duplicate`, `duplicates` (`asset_id`, `kind`: identical, image, video or sound, `similarity`, `matched_seconds` of this asset, `offset_seconds` to the same place of the other one, `mirrored`, `older`: it was there before this asset), `notes`. Compared with are assets on which find_duplicates has run before; the same bytes are found in any case. With `action` stop the job fails with `conflict`, whose `details` hold the list.',
		estimateSeconds: (facts) => 2 + (facts?.durationSeconds ?? 0) * 0.05,
		async run(context, given) {
			if (context.assetId === null) throw new PipelineError('invalid_request', 'asset_id: find_duplicates needs an asset.');
			const asset = { id: context.assetId, workspaceId: context.workspaceId };
			const notes: string[] = [];
			const own = await fingerprint(context, given, notes);
			context.progress(80);
			context.signal.throwIfAborted();
			// Stored before others are looked at: of two copies that come at once, one sees the other.
			const step = gridStep(own.seconds);
			await replaceFingerprints(db, asset, { picture: own.picture?.plain ?? null, frames: own.frames.filter(({ at }) => at % step === 0), sound: own.sound }, own.kinds);
			const found = await context.step('compare', () => compare(db, asset, own, given, context.signal));
			const identical = await identicalOnes(db, asset);
			const same = new Set(identical.map(({ asset_id: id }) => id));
			const all = [...identical, ...found.filter(({ asset_id: id }) => !same.has(id)).toSorted((a, b) => b.similarity - a.similarity)];
			const older = await olderOnes(db, asset, all.map(({ asset_id: id }) => id));
			const duplicates: Duplicate[] = all.map((one) => ({ ...one, older: older.has(one.asset_id) }));
			// What came later is the copy: of two that come at once, one goes on, and an original that is tried again as well.
			const originals = duplicates.filter((one) => one.older);
			if (originals.length > 0 && given.action === 'stop') throw isCopy(originals);
			return {
				output: { is_duplicate: duplicates.length > 0, duplicates, ...(notes.length > 0 ? { notes } : {}) },
				cost: { cpu_seconds: own.cpuSeconds },
			};
		},
	};
}

interface Own {
	picture: PictureHash | null;
	frames: FrameHash[];
	sound: number[] | null;
	seconds: number;
	cpuSeconds: number;
	/** What was looked at. */
	kinds: FingerprintKind[];
}

/** What the asset is compared by; parts that are not asked for are missing. */
async function fingerprint(context: TaskContext, { compare: what }: Params, notes: string[]): Promise<Own> {
	const source = await context.source();
	const { facts } = source;
	const still = facts.fileType === 'image';
	const kinds: FingerprintKind[] = [...(what === 'sound' ? [] : ['picture' as const]), ...(what === 'picture' ? [] : ['sound' as const])];
	const own: Own = { picture: null, frames: [], sound: null, seconds: still ? 0 : facts.durationSeconds, cpuSeconds: 0, kinds };
	if (what !== 'sound' && still) own.picture = await context.step('picture', () => hashPicture(source, context));
	if (what !== 'sound' && facts.fileType === 'video' && facts.video) {
		const { frames, cpuSeconds } = await context.step('picture', () => hashFrames(source, context));
		own.frames = frames;
		own.cpuSeconds += cpuSeconds;
	}
	context.progress(50);
	if (what !== 'picture' && facts.audio) {
		const made = await context.step('sound', () => hashSound(source, context)).catch((error: unknown) => {
			context.signal.throwIfAborted();
			// The picture can be compared all the same.
			if (!facts.video || what === 'sound') throw error;
			notes.push(toPipelineError(error).message);
			own.kinds = own.kinds.filter((kind) => kind !== 'sound');
			return null;
		});
		own.sound = made?.sequence ?? null;
		own.cpuSeconds += made?.cpuSeconds ?? 0;
	}
	if (!own.picture && own.frames.length === 0 && !own.sound)
		notes.push('There is too little in it to tell it from others (one colour, a title, a single tone, less than some 5 seconds of sound): only the same bytes are found.');
	return own;
}

const identicalOnes = async (db: Database, asset: { id: string; workspaceId: string }): Promise<Found[]> => {
	const row = await findAsset(db, asset.workspaceId, asset.id);
	const ids = row?.sha256 ? await sameBytes(db, asset, row.sha256, MOST_CANDIDATES) : [];
	const whole: [number, number] | null = row?.durationSeconds ? [0, seconds(row.durationSeconds)] : null;
	return ids.map((id) => ({ asset_id: id, kind: 'identical', similarity: 1, matched_seconds: whole, offset_seconds: whole ? 0 : null }));
};

async function compare(db: Database, asset: { id: string; workspaceId: string }, own: Own, given: Params, signal: AbortSignal): Promise<Found[]> {
	const found: Found[] = [];
	if (own.picture) {
		const { mask } = own.picture;
		const ways = [{ hash: own.picture.plain, mirrored: false }, ...(given.mirrored ? [{ hash: own.picture.mirrored, mirrored: true }] : [])];
		for (const { hash, mirrored } of ways)
			for (const { assetId, bits } of await similarPictures(db, asset, { hash, mask }, mostDistance(given.min_similarity), MOST_CANDIDATES))
				found.push(duplicate(assetId, 'image', likeness(bits, 64), null, mirrored));
	}
	const ways = own.frames.length > 0 ? [false, ...(given.mirrored ? [true] : [])] : [];
	for (const mirrored of ways) {
		const frames = own.frames.map(({ at, hash, mask, mirrored: turned }) => ({ at, mask, hash: mirrored ? turned : hash }));
		const different = [...new Map(frames.map((frame) => [frame.hash, frame])).values()];
		for (const id of await filmsLike(db, asset, probesOf(different, MOST_PROBES), FRAME_BITS, MOST_CANDIDATES)) {
			signal.throwIfAborted();
			const length = await lengthOfAsset(db, id);
			const aligned = alignFrames(frames, await framesOf(db, id), gridStep(length));
			if (aligned && isCommon(aligned, given, own.seconds, length, gridStep(length))) found.push(duplicate(id, 'video', aligned.similarity, aligned, mirrored));
		}
	}
	for (const id of own.sound ? await soundsLike(db, asset, probesOf(telling(own.sound), MOST_NUMBERS), MOST_CANDIDATES) : []) {
		signal.throwIfAborted();
		const aligned = alignSounds(own.sound ?? [], await soundOf(db, id));
		if (aligned && isCommon(aligned, given, own.seconds, await lengthOfAsset(db, id), SOUND_STEP_SECONDS)) found.push(duplicate(id, 'sound', aligned.similarity, aligned, false));
	}
	return best(found);
}

/** Each once, evenly spread over them. */
export function probesOf<T>(all: readonly T[], most: number): T[] {
	const different = [...new Set(all)];
	const taken = Math.min(most, different.length);
	return Array.from({ length: taken }, (_, place) => different[Math.floor((place * different.length) / taken)] as T);
}

/** Whether it is long enough, and alike enough, to be no accident. */
export function isCommon(
	{ from, to, matched, similarity }: Aligned,
	{ min_similarity: least, min_matched_seconds: wanted }: Pick<Params, 'min_similarity' | 'min_matched_seconds'>,
	ownSeconds: number,
	otherSeconds: number,
	step: number,
): boolean {
	const shorter = Math.min(ownSeconds, otherSeconds);
	const long = Math.min(wanted, Math.max(step, shorter / 2));
	// One frame alone says little, unless there are no more.
	if (to - from < long - step || matched < Math.min(2, Math.max(1, Math.floor(shorter / step))) || similarity < least) return false;
	return matched > FEW_FRAMES || similarity >= Math.max(least, FEW_SIMILARITY);
}

function duplicate(id: string, kind: Duplicate['kind'], similarity: number, aligned: Aligned | null, mirrored: boolean): Found {
	return {
		asset_id: id,
		kind,
		similarity: Math.round(similarity * 1000) / 1000,
		matched_seconds: aligned ? [seconds(aligned.from), seconds(aligned.to)] : null,
		offset_seconds: aligned ? seconds(aligned.offsetSeconds) : null,
		...(mirrored ? { mirrored: true as const } : {}),
	};
}

const seconds = (value: number): number => Math.round(value * 100) / 100;

/** Of the same asset and kind the better way to look at it: symmetric pictures are alike both ways. */
function best(found: readonly Found[]): Found[] {
	const each = new Map<string, Found>();
	for (const one of found) {
		const key = `${one.kind} ${one.asset_id}`;
		const known = each.get(key);
		if (!known || one.similarity > known.similarity) each.set(key, one);
	}
	return [...each.values()];
}

function isCopy(duplicates: Duplicate[]): PipelineError {
	const [first] = duplicates as [Duplicate];
	const how = first.kind === 'identical' ? 'has the same bytes as' : `is a copy (${first.kind}, ${Math.round(first.similarity * 100)} % alike) of`;
	const others = duplicates.length > 1 ? `, and ${duplicates.length - 1} more` : '';
	return new PipelineError('conflict', `This asset ${how} asset ${first.asset_id}${others}. Use that one, or run find_duplicates with the action "report".`, {
		details: { duplicates },
	});
}
