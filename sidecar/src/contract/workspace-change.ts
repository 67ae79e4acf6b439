import { z } from 'zod';
import { INPUT_FORMATS } from '../media/formats.ts';
import { allowsMime } from '../pipeline/checks.ts';
import { checksSchema, quotasSchema, retentionSchema, workspaceSettingsSchema, type WorkspaceSettings } from './workspace.ts';

type Stored = Record<string, unknown>;

const SECTIONS = { quotas: quotasSchema, checks: checksSchema, retention: retentionSchema } as const;

/** The rules of a section without its defaults: what is not there is not changed. */
const section = ({ shape }: z.ZodObject) =>
	z.strictObject(Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, z.optional(z.nullable(withoutDefault(field)))])));
const withoutDefault = (field: z.core.$ZodType): z.core.$ZodType => (field instanceof z.ZodDefault ? field.unwrap() : field);
const about = 'Only what is named changes. null: as it was before anybody set anything.';

/** Body of PATCH /api/media/workspace/settings. */
export const settingsChangeSchema = z.strictObject({
	workspace_id: z.string().optional().describe('Must be the workspace of the API key, when given.'),
	quotas: z.optional(z.nullable(section(quotasSchema))).describe(about),
	checks: z.optional(z.nullable(section(checksSchema))).describe(about),
	originals: z.optional(z.nullable(withoutDefault(workspaceSettingsSchema.shape.originals) as typeof workspaceSettingsSchema.shape.originals)).describe(about),
	retention: z.optional(z.nullable(section(retentionSchema))).describe(`${about} In \`retention\`, a field that is null means "for ever".`),
	pipeline: z.string().max(100).nullable().optional().describe(about),
});
export type SettingsChange = Omit<z.infer<typeof settingsChangeSchema>, 'workspace_id'>;

/**
 * Pure: what is stored after a change. A section that is null goes back to the defaults, as does a field that is null and cannot be; where
 * null is a value of its own ("no limit", "for ever") it is stored.
 */
export function changeSettings(stored: Stored, change: SettingsChange): Stored {
	const next: Stored = { ...stored };
	for (const [name, value] of Object.entries(change)) {
		if (value === undefined) continue;
		if (value === null) delete next[name];
		else if (!(name in SECTIONS)) next[name] = value;
		else next[name] = mergeSection(SECTIONS[name as keyof typeof SECTIONS], stored[name], value as Stored);
	}
	return next;
}

function mergeSection({ shape }: z.ZodObject, stored: unknown, change: Stored): Stored {
	const merged: Stored = { ...(typeof stored === 'object' ? stored : {}) };
	for (const [name, value] of Object.entries(change)) {
		const field = shape[name];
		if (value === undefined || !field) continue;
		if (value === null && !z.safeParse(withoutDefault(field), null).success) delete merged[name];
		else merged[name] = value;
	}
	return merged;
}

/** Pure: what is wrong with complete settings, one sentence each, naming the field. `scanner`: what the operator has set up. */
export function settingsProblems({ checks }: WorkspaceSettings, scanner: { configured: boolean; optional: boolean }): Array<{ field: string; problem: string }> {
	const problems: Array<{ field: string; problem: string }> = [];
	for (const [least, most] of [['min_duration_seconds', 'max_duration_seconds'], ['min_width', 'max_width'], ['min_height', 'max_height']] as const) {
		const [from, to] = [checks[least], checks[most]];
		if (from !== null && to !== null && from > to) problems.push({ field: `checks.${least}`, problem: `must not be more than ${most} (${from} > ${to}): nothing could pass` });
	}
	for (const pattern of checks.containers ?? []) {
		if (!Object.keys(INPUT_FORMATS).some((mime) => allowsMime([pattern], mime) || allowsMime([pattern], mime.replace('video/', 'audio/')))) {
			problems.push({ field: 'checks.containers', problem: `${JSON.stringify(pattern)} names no kind of file that the sidecar reads; expected MIME types such as video/mp4 or image/*` });
		}
	}
	for (const list of ['video_codecs', 'audio_codecs'] as const) {
		for (const name of checks[list] ?? []) if (!/^[a-z0-9_.-]+$/i.test(name)) problems.push({ field: `checks.${list}`, problem: `${JSON.stringify(name)} is no name of a codec; expected names such as h264, vp9 or aac` });
	}
	if (checks.scan === true && !scanner.configured) problems.push({ field: 'checks.scan', problem: 'the sidecar has no virus scanner: its operator must set CLAMD first' });
	if (checks.scan === false && scanner.configured && !scanner.optional) problems.push({ field: 'checks.scan', problem: 'the operator of the sidecar has every file scanned; only with CLAMD_OPTIONAL=true may a workspace switch it off' });
	return problems;
}
