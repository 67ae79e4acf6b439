import { findAsset } from '../db/assets.ts';
import { dueOnAsset, type JobRow } from '../db/jobs.ts';
import { areAlike, companyFor, isTooMuch, loadOf, type Company } from '../media/merge.ts';
import type { MediaFacts } from '../media/facts.ts';
import type { Operation } from '../operations/operation.ts';
import { claimAlong, claimWithinSlots } from './slots.ts';
import type { WorkerDeps } from './worker-deps.ts';

/**
 * Claims jobs, and with each that decodes a whole source the others that wait for the same source: they run in one process.
 * Answers groups; a group takes one slot of the worker. Messages of jobs that were taken along find nothing later on.
 */
export async function takeJobs(deps: WorkerDeps, ids: string[]): Promise<JobRow[][]> {
	const claims = await claimWithinSlots(deps, ids);
	const groups: Group[] = [];
	for (const claim of claims) {
		// What was claimed must be run, whatever became of the others; the reconciler sends a lost message again.
		if (claim.status === 'rejected') deps.log.error({ err: claim.reason as unknown }, 'a job could not be claimed');
		else if (claim.value) await seat(deps, claim.value, groups);
	}
	await Promise.all(groups.map((group) => takeAlong(deps, group).catch((error: unknown) => deps.log.error({ err: error }, 'no jobs could be taken along'))));
	return groups.map(({ jobs }) => jobs);
}

interface Group {
	jobs: JobRow[];
	/** Null: runs alone. */
	source: { assetId: string; facts: MediaFacts; lead: Outlook } | null;
	load: number;
}

/** Into a group that was claimed in the same moment, else into one of its own. */
async function seat(deps: WorkerDeps, job: JobRow, groups: Group[]): Promise<void> {
	const alone: Group = { jobs: [job], source: null, load: 0 };
	const facts = deps.mergeJobs ? await factsOf(deps, job).catch(() => null) : null;
	const outlook = facts ? outlookOf(deps.operations, job, facts) : null;
	if (!facts || outlook?.company !== 'together') return void groups.push(alone);
	const fitting = groups.find(({ source, load }) => source?.assetId === job.assetId && fits(source.lead, outlook) && !isTooMuch(load + outlook.load));
	if (!fitting) return void groups.push({ ...alone, source: { assetId: job.assetId ?? '', facts, lead: outlook }, load: outlook.load });
	fitting.jobs.push(job);
	fitting.load += outlook.load;
}

/** More of them would keep one slot busy while others may be free. */
const MOST_QUICK_ONES = 8;
/** More candidates than anyone takes along: of a thousand jobs on one asset, not all are read each time. */
const MOST_CANDIDATES = 64;

async function takeAlong(deps: WorkerDeps, group: Group): Promise<void> {
	const { source, jobs: [first] } = group;
	if (!source || !first) return;
	const jobTypes = [...deps.operations.values()].flatMap(({ kind, name }) => (kind === 'media' ? [name] : []));
	const candidates = await dueOnAsset(deps.db, { workspaceId: first.workspaceId, assetId: source.assetId, jobTypes, limit: MOST_CANDIDATES });
	const wanted: string[] = [];
	let quick = 0;
	for (const job of candidates) {
		const outlook = outlookOf(deps.operations, job, source.facts);
		if (outlook.company === 'soon' && quick < MOST_QUICK_ONES) {
			quick += 1;
			wanted.push(job.id);
		} else if (outlook.company === 'together' && fits(source.lead, outlook) && !isTooMuch(group.load + outlook.load)) {
			group.load += outlook.load;
			wanted.push(job.id);
		}
	}
	if (wanted.length === 0) return;
	const claimed = await claimAlong(deps, wanted);
	group.jobs.push(...claimed.sort((a, b) => wanted.indexOf(a.id) - wanted.indexOf(b.id)));
}

async function factsOf({ db, operations }: WorkerDeps, job: JobRow): Promise<MediaFacts | null> {
	if (!job.assetId || operations.get(job.jobType)?.kind !== 'media') return null;
	const asset = await findAsset(db, job.workspaceId, job.assetId);
	return asset?.storageKey ? asset.facts : null;
}

interface Outlook {
	company: Company;
	/** Expected CPU seconds; null where it must be measured first. */
	seconds: number | null;
	/** Part of a process that it takes up. */
	load: number;
}

const fits = (a: Outlook, b: Outlook): boolean => a.seconds === null || b.seconds === null || areAlike(a.seconds, b.seconds);

/** As one film of 1080p. What does not fit in the end runs in a process of its own. */
const UNKNOWN_LOAD = 1 / 8;

/** What a job will do, as far as its facts and parameters tell. */
export function outlookOf(operations: ReadonlyMap<string, Operation>, job: Pick<JobRow, 'jobType' | 'params'>, facts: MediaFacts): Outlook {
	const apart: Outlook = { company: 'apart', seconds: null, load: 0 };
	const operation = operations.get(job.jobType);
	if (operation?.kind !== 'media') return apart;
	try {
		const params: unknown = operation.params.parse(job.params);
		// Planned when it has measured: until then it counts as one of those that decode everything.
		if ((operation.measure && (operation.measures?.(params) ?? true)) || operation.inputs?.(params).length) return { company: 'together', seconds: operation.estimateSeconds?.(facts, params) ?? null, load: UNKNOWN_LOAD };
		const plan = operation.plan(facts, params, { inputs: [], measured: undefined });
		return { company: companyFor(plan, facts), seconds: plan.estimatedCpuSeconds, load: loadOf(plan, facts) };
	} catch {
		// Its own run will say what is wrong.
		return apart;
	}
}
