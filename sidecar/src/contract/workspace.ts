import { z } from 'zod';
import { pipelineReference } from './pipelines.ts';

/** What a workspace may decide for itself. Absent fields have the default that is named; null means "no limit", unless it says otherwise. */

const days = (fallback: number | null, about: string) => z.number().int().min(0).max(36_500).nullable().default(fallback).describe(about);
const most = (about: string) => z.number().int().positive().nullable().default(null).describe(`${about} null: no limit.`);
const names = (about: string) => z.array(z.string().min(1).max(60)).max(200).nullable().default(null).describe(`${about} null: all that the sidecar can read.`);

export const quotasSchema = z.strictObject({
	max_bytes: most('Bytes of all stored files of the workspace: originals, what jobs made, uploads under way.'),
	max_assets: most('Assets.'),
	max_concurrent_jobs: most('Jobs that are worked on at the same time; further ones wait their turn.'),
	requests_per_minute: z.number().int().positive().nullable().default(null).describe('Requests with each API key. null: API_REQUESTS_PER_MINUTE of the sidecar.'),
});

export const checksSchema = z.strictObject({
	containers: names('Allowed kinds of files, by MIME type, e.g. `video/mp4`, `image/*`.'),
	video_codecs: names('Allowed video codecs as ffprobe names them, e.g. `h264`, `hevc`, `vp9`.'),
	audio_codecs: names('Allowed audio codecs as ffprobe names them, e.g. `aac`, `opus`.'),
	min_duration_seconds: z.number().min(0).nullable().default(null),
	max_duration_seconds: z.number().positive().nullable().default(null),
	min_width: most('Pixels, as shown.'),
	min_height: most('Pixels, as shown.'),
	max_width: most('Pixels, as shown.'),
	max_height: most('Pixels, as shown.'),
	audio: z.enum(['any', 'required', 'forbidden']).default('any').describe('Whether a video must have sound.'),
	decode: z.boolean().default(false).describe('Decode the whole file before it is accepted: finds damage anywhere, takes as long as playing it at full speed of the machine.'),
	scan: z.boolean().nullable().default(null).describe('Virus scan. null: as CLAMD of the sidecar says (on when it is set).'),
});

export const retentionSchema = z.strictObject({
	raw_days: days(7, 'Originals that the policy `originals` lets go, and superseded versions, are kept for so many days.'),
	asset_days: days(365, 'Assets nobody has worked on for so many days are deleted with all their files.'),
	failed_days: days(7, 'Assets that failed are deleted after so many days.'),
	upload_days: days(1, 'Uploads that were begun and never finished are deleted after so many days.'),
	versions: z.number().int().min(0).max(100).default(3).describe('Superseded versions of an original that are kept at most.'),
});

export const workspaceSettingsSchema = z.strictObject({
	quotas: quotasSchema.prefault({}),
	checks: checksSchema.prefault({}),
	originals: z
		.enum(['keep', 'archive', 'replace', 'delete'])
		.default('keep')
		.describe('What becomes of originals. keep: they stay as long as the asset. archive: after `raw_days` they go to the archive class of the store. replace: a web-friendly mezzanine is made at ingest and takes their place; the original is deleted after `raw_days`. delete: they are deleted after `raw_days`, the results stay.'),
	retention: retentionSchema.prefault({}),
	pipeline: pipelineReference.nullable().default(null).describe('The pipeline that POST /api/media/process uses when it names neither operations nor a pipeline. null: `default`.'),
});
export type WorkspaceSettings = z.infer<typeof workspaceSettingsSchema>;

/**
 * The stored settings of a workspace, completed. What an earlier version stored and is not known any more is passed over, by itself: what
 * stands beside it still holds.
 */
export function settingsOf(stored: unknown): WorkspaceSettings {
	let given: unknown = structuredClone(stored ?? {});
	for (;;) {
		const parsed = workspaceSettingsSchema.safeParse(given);
		if (parsed.success) return parsed.data;
		const wrong = parsed.error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path.slice(0, 2)]));
		given = wrong.some((path) => path.length === 0) ? {} : wrong.reduce<unknown>(without, given);
	}
}

function without(settings: unknown, path: PropertyKey[]): unknown {
	const [name, ...rest] = path;
	if (typeof settings !== 'object' || settings === null || name === undefined) return settings;
	const { [name as string]: inner, ...others } = settings as Record<string, unknown>;
	const isInside = rest.length > 0 && typeof inner === 'object' && inner !== null && !Array.isArray(inner);
	return isInside ? { ...others, [name]: without(inner, rest) } : others;
}
