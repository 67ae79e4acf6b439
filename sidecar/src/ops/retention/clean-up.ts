import { asc } from 'drizzle-orm';
import { settingsOf } from '../../contract/workspace.ts';
import type { CleanUpReport } from '../../contract/retention.ts';
import { workspaces } from '../../db/schema.ts';
import { oldAssets, failedAssets } from './assets.ts';
import { missingFiles } from './missing.ts';
import { originals } from './originals.ts';
import { orphans } from './orphans.ts';
import type { Finding, RetentionDeps, Rule } from './rule.ts';
import { uploads } from './uploads.ts';
import { versions } from './versions.ts';

/** In this order: what an asset loses with its deletion is no orphan afterwards. */
export const RULES: readonly Rule[] = [uploads, failedAssets, oldAssets, originals, versions, orphans, missingFiles];

export interface CleanUp {
	/** Only says what would go. */
	dryRun: boolean;
	/** Names of rules. Default: all. */
	rules?: readonly string[] | undefined;
	/** Default: every workspace. */
	workspaceId?: string | undefined;
	/** Somebody has looked, and says that it is right (plausible.ts). */
	force?: boolean;
	now?: Date;
	signal?: AbortSignal;
}

/** Shown of each rule. */
const EXAMPLES = 50;

/**
 * Takes away what nobody needs any more. Two at once, or one that is cut off, do no harm: each finding is looked at again when it is
 * its turn, and what is left is found the next time. What fails is counted and logged, and does not keep the rest.
 */
export async function cleanUp(deps: RetentionDeps, { dryRun, rules: names, workspaceId, force = false, now = new Date(), signal }: CleanUp): Promise<CleanUpReport> {
	const report: CleanUpReport = { dry_run: dryRun, rules: {} };
	const chosen = RULES.filter(({ name }) => !names || names.includes(name));
	for (const { name, about } of chosen) report.rules[name] = { about, count: 0, bytes: 0, failed: 0, examples: [] };
	const places = await deps.db.select({ id: workspaces.id, settings: workspaces.settings }).from(workspaces).orderBy(asc(workspaces.id));
	for (const { id, settings } of places.filter((one) => workspaceId === undefined || one.id === workspaceId)) {
		for (const rule of chosen) {
			const entry = report.rules[rule.name];
			if (!entry) continue;
			try {
				for await (const finding of rule.find({ deps, workspaceId: id, settings: settingsOf(settings), now, force })) {
					signal?.throwIfAborted();
					if (!dryRun && !(await done(deps, rule, finding, () => (entry.failed += 1)))) continue;
					entry.count += 1;
					entry.bytes += finding.bytes;
					if (entry.examples.length < EXAMPLES) entry.examples.push({ workspace_id: id, what: finding.what, bytes: finding.bytes, reason: finding.reason });
				}
			} catch (error) {
				signal?.throwIfAborted();
				entry.failed += 1;
				deps.log.error({ err: error, rule: rule.name, workspace_id: id }, 'a rule of the clean-up broke off; it begins anew the next time');
			}
		}
	}
	if (!dryRun) for (const [rule, { count, bytes, failed }] of Object.entries(report.rules)) if (count + failed > 0) deps.log.info({ rule, count, bytes, failed }, 'cleaned up');
	return report;
}

async function done(deps: RetentionDeps, rule: Rule, finding: Finding, failed: () => void): Promise<boolean> {
	try {
		return await finding.apply();
	} catch (error) {
		failed();
		deps.log.warn({ err: error, rule: rule.name, what: finding.what }, 'could not be cleaned up; it is tried again the next time');
		return false;
	}
}
