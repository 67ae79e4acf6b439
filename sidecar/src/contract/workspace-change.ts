import { z } from 'zod';
import { pipelineReference } from './pipelines.ts';
import { checksSchema, quotasSchema, retentionSchema, workspaceSettingsSchema } from './workspace.ts';

type Stored = Record<string, unknown>;
interface Section {
	shape: Readonly<Record<string, z.core.$ZodType>>;
}

const SECTIONS = { quotas: quotasSchema, checks: checksSchema, retention: retentionSchema } as const;

/** The rules of a section without its defaults: what is not there is not changed. */
const section = ({ shape }: Section) =>
	z.strictObject(Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, z.optional(z.nullable(withoutDefault(field)))])));
const withoutDefault = (field: z.core.$ZodType): z.core.$ZodType => (field instanceof z.ZodDefault ? field.unwrap() : field);
const about = 'Only what is named changes. null: as it was before anybody set anything.';

/** Body of PATCH /api/media/workspace/settings. */
export const settingsChangeSchema = z.strictObject({
	workspace_id: z.string().optional().describe('Must be the workspace of the API key, when given.'),
	quotas: z.optional(z.nullable(section(quotasSchema))).describe(`${about} For the operator (scope \`platform\`).`),
	checks: z.optional(z.nullable(section(checksSchema))).describe(about),
	originals: z.optional(z.nullable(withoutDefault(workspaceSettingsSchema.shape.originals) as typeof workspaceSettingsSchema.shape.originals)).describe(about),
	retention: z.optional(z.nullable(section(retentionSchema))).describe(`${about} In \`retention\`, a field that is null means "for ever".`),
	pipeline: pipelineReference.nullable().optional().describe(about),
});
/** Body of PATCH /api/media/workspaces/{id}/settings: the workspace stands in the address. */
export const workspaceSettingsChangeSchema = settingsChangeSchema.omit({ workspace_id: true });
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

function mergeSection({ shape }: Section, stored: unknown, change: Stored): Stored {
	const merged: Stored = { ...(typeof stored === 'object' ? stored : {}) };
	for (const [name, value] of Object.entries(change)) {
		const field = shape[name];
		if (value === undefined || !field) continue;
		if (value === null && !z.safeParse(withoutDefault(field), null).success) delete merged[name];
		else merged[name] = value;
	}
	return merged;
}
