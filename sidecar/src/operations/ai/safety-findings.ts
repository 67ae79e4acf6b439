import { z } from 'zod';
import { findAsset } from '../../db/assets.ts';
import type { Executor } from '../../db/database.ts';
import type { PublicError } from '../../errors.ts';

/** What a safety scan has found, as the error says with which it stopped its asset. */
export interface Found {
	category: string;
	/** Seconds; none of a still picture. */
	moments: number[];
}

const foundSchema = z.object({
	findings: z.array(z.object({ category: z.string(), moments: z.array(z.object({ at_seconds: z.number().nullable() })).default([]) })).default([]),
});
const lookedSchema = z.object({
	not_looked_for: z.array(z.string()).default([]),
	frames: z.array(z.object({ at_seconds: z.number().nullable() })).optional(),
});

/** Empty where an external processor found it, and told no more. */
export function foundIn({ details }: PublicError): Found[] {
	const { data } = foundSchema.safeParse(details);
	return (data?.findings ?? []).map(({ category, moments }) => ({ category, moments: moments.flatMap(({ at_seconds: at }) => at ?? []) }));
}

/** What an earlier scan has stopped the asset for; nothing where it is not stopped. */
export async function foundBefore(db: Executor, { id, workspaceId }: { id: string; workspaceId: string }): Promise<Found[]> {
	const error = (await findAsset(db, workspaceId, id))?.error;
	return error?.code === 'content_unsafe' ? foundIn(error) : [];
}

/** Moments are told in thousandths of a second. */
const SAME_MOMENT_SECONDS = 0.002;

/**
 * Whether a scan that passes has looked for what was found, and where: a provider that knows nothing of violence says nothing
 * of it, nor does a look at other moments. Who says neither what nor where (an external processor) is believed. Pure.
 */
export function hasLookedForIt(error: PublicError, output: Record<string, unknown>): boolean {
	const looked = lookedSchema.safeParse(output).data;
	if (!looked) return true;
	const isSeen = (at: number): boolean => looked.frames?.some(({ at_seconds: seen }) => seen !== null && Math.abs(seen - at) <= SAME_MOMENT_SECONDS) ?? true;
	return foundIn(error).every(({ category, moments }) => !looked.not_looked_for.includes(category) && moments.every(isSeen));
}
