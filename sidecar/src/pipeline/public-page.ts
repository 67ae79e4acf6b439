import { and, desc, eq, inArray } from 'drizzle-orm';
import type { AssetRow } from '../db/assets.ts';
import type { Executor } from '../db/database.ts';
import { files, jobs } from '../db/schema.ts';
import { ofCurrentVersion } from '../db/versions.ts';

export interface Chapter {
	start: number;
	end: number;
	title: string;
}
export interface Captions {
	fileId: string;
	storageKey: string;
	/** BCP 47; `und`: not known. */
	language: string;
}

/** A list with more chapters helps nobody, and would not fit on the bar. */
const MOST_CHAPTERS = 100;
/** Scenes are found by cuts: of those that follow each other faster than this share of the film, the first one counts. */
const LEAST_SHARE = 1 / 24;

/** Chapters as people wrote them (`metadata.chapters`: `start_seconds`, `title`); else from the scenes. Whatever is malformed is passed over. */
export function chaptersOf(metadata: Record<string, unknown>, scenes: unknown, seconds: number): Chapter[] {
	const written = starts(metadata['chapters'], ['start_seconds', 'start'], seconds);
	const found = written.length > 0 ? written : spread(starts(scenes, ['start_seconds'], seconds), seconds).map((one, index) => ({ ...one, title: `Scene ${index + 1}` }));
	if (found.length < 2 && written.length === 0) return [];
	return found.slice(0, MOST_CHAPTERS).map((one, index, all) => ({ ...one, end: all[index + 1]?.start ?? seconds }));
}

function starts(list: unknown, names: string[], seconds: number): Array<{ start: number; title: string }> {
	if (!Array.isArray(list)) return [];
	return list
		.flatMap((entry: unknown) => {
			if (typeof entry !== 'object' || entry === null) return [];
			const fields = entry as Record<string, unknown>;
			const start = names.map((name) => fields[name]).find((value) => typeof value === 'number' && value >= 0 && value < seconds);
			const title = typeof fields['title'] === 'string' ? fields['title'].replace(/\s+/gu, ' ').trim().slice(0, 200) : '';
			return typeof start === 'number' ? [{ start, title: title || 'Untitled' }] : [];
		})
		.sort((a, b) => a.start - b.start)
		.filter((one, index, all) => one.start !== all[index - 1]?.start);
}

function spread<T extends { start: number }>(list: T[], seconds: number): T[] {
	const kept: T[] = [];
	for (const one of list) {
		const last = kept.at(-1);
		if (!last || one.start - last.start >= seconds * LEAST_SHARE) kept.push(one);
	}
	return kept;
}

const clock = (seconds: number): string => new Date(Math.round(seconds * 1000)).toISOString().slice(11, 23);

/** As a WebVTT file for `<track kind="chapters">`. Films beyond a day are not told apart from the first one. */
export function chaptersVtt(chapters: Chapter[]): string {
	const text = (title: string) => title.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
	return `WEBVTT\n\n${chapters.map(({ start, end, title }) => `${clock(start)} --> ${clock(end)}\n${text(title)}\n`).join('\n')}`;
}

/** Operations that write subtitles of the asset, and what tells their language. */
const SUBTITLES = ['transcribe', 'translate'];
const LANGUAGE = /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;

/** What hangs on an asset beside its public files, of its present version: captions, one per language, the newest; chapters; the newest ladder. */
export async function readExtras(db: Executor, asset: AssetRow): Promise<{ captions: Captions[]; chapters: Chapter[]; manifestKey: string | null }> {
	const rows = await db
		.select({ id: files.id, name: files.name, mime: files.mime, storageKey: files.storageKey, jobType: jobs.jobType, jobId: jobs.id })
		.from(files)
		.innerJoin(jobs, eq(jobs.id, files.jobId))
		.where(and(eq(files.assetId, asset.id), eq(jobs.status, 'completed'), eq(files.part, false), inArray(jobs.jobType, [...SUBTITLES, 'adaptive']), ofCurrentVersion()))
		.orderBy(desc(jobs.completedAt));
	const [scenes] = await db.select({ output: jobs.output }).from(jobs).where(and(eq(jobs.assetId, asset.id), eq(jobs.jobType, 'scenes'), eq(jobs.status, 'completed'), ofCurrentVersion())).orderBy(desc(jobs.completedAt)).limit(1);
	const spoken = rows.some(({ jobType }) => jobType === 'transcribe')
		? (await db.select({ id: jobs.id, output: jobs.output }).from(jobs).where(inArray(jobs.id, rows.filter(({ jobType }) => jobType === 'transcribe').map(({ jobId }) => jobId))))
		: [];
	const captions = new Map<string, Captions>();
	for (const { id, name, storageKey, jobType, jobId } of rows) {
		if (!SUBTITLES.includes(jobType) || !name.endsWith('.vtt')) continue;
		const said = jobType === 'transcribe' ? spoken.find((job) => job.id === jobId)?.output?.['language'] : /\.([A-Za-z-]+)\.vtt$/.exec(name)?.[1];
		const language = typeof said === 'string' && LANGUAGE.test(said) ? said : (asset.language ?? 'und');
		if (!captions.has(language)) captions.set(language, { fileId: id, storageKey, language });
	}
	return {
		captions: [...captions.values()],
		chapters: chaptersOf(asset.metadata, scenes?.output?.['scenes'], asset.durationSeconds ?? 0),
		manifestKey: rows.find(({ jobType, name }) => jobType === 'adaptive' && /master\.m3u8$/.test(name))?.storageKey ?? null,
	};
}
