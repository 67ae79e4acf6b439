import { stat } from 'node:fs/promises';
import type { WorkspaceSettings } from '../contract/workspace.ts';
import { recordEvents } from '../db/events.ts';
import { recentlyRecorded } from '../db/recent-events.ts';
import { readSettings } from '../db/workspaces.ts';
import { PipelineError } from '../errors.ts';
import { decodeAll } from '../media/decode.ts';
import type { MediaFacts } from '../media/facts.ts';
import { brokenRules, checkClaim, mustScan, type Checks, type Claim, type Problem } from './checks.ts';
import type { Execution } from './execute.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface Examined {
	facts: MediaFacts;
	/** What was put right, for a person. */
	warnings: string[];
	/** Whether a virus scanner has looked at it. */
	scanned: boolean;
	settings: WorkspaceSettings;
}

/**
 * Everything a file must pass before it becomes the original of an asset, in this order: the virus scan (nothing else may read what it has
 * not seen), what the file is, whether it is what was claimed, the rules of the workspace, and, where asked for, every picture and sound of
 * it. Throws the first thing that is wrong. `progress`: 0 to 100 of all this.
 */
export async function examine(deps: WorkerDeps, execution: Execution, path: string, claim: Claim, progress: (percent: number) => void): Promise<Examined> {
	const { job, signal, step } = execution;
	const { size } = await stat(path).catch(() => ({ size: -1 }));
	if (size === 0) throw new PipelineError('input_empty', 'The file is empty (0 bytes). Check that its upload or download was complete.');
	const settings = await readSettings(deps.db, job.workspaceId);
	const { checks } = settings;
	const scanned = await scan(deps, execution, path, job.params['scan'] === true || checks.scan, (percent) => progress(percent * (checks.decode ? 0.2 : 0.9)));
	const facts = await step('probe', () => deps.probe(path, { signal })).catch((error: unknown) => {
		throw claim.mime && error instanceof PipelineError && error.code === 'input_not_media' ? new PipelineError(error.code, `${error.message} It was sent as ${claim.mime}.`, { details: { ...error.details, claimed: claim.mime }, cause: error }) : error;
	});
	const { problem, warning } = checkClaim(claim, facts);
	const problems = [...(problem ? [problem] : []), ...brokenRules(facts, checks)];
	if (problems[0]) throw refusal(problems[0], problems);
	if (checks.decode) await step('decode', () => decodeAll(path, facts, { signal, threads: deps.decodeThreads, onProgress: (percent) => progress(20 + percent * 0.8) }));
	return { facts, warnings: warning ? [warning] : [], scanned, settings };
}

/** Media beside the source of a job, which never become an asset: only the scan is for them, as the rules of the workspace are about assets. */
export async function scanInput(deps: WorkerDeps, execution: Execution, path: string): Promise<void> {
	const { checks } = await readSettings(deps.db, execution.job.workspaceId);
	await scan(deps, execution, path, checks.scan, () => undefined);
}

function refusal(first: Problem, all: Problem[]): PipelineError {
	const { code, rule, found, allowed } = first;
	return new PipelineError(code, all.map(({ message }) => message).join(' '), {
		details: { rule, found, allowed, ...(all.length > 1 ? { problems: all.map(({ message: _, code: __, ...problem }) => problem) } : {}) },
	});
}

async function scan(deps: WorkerDeps, { job, signal, step, log }: Execution, path: string, wanted: Checks['scan'], progress: (percent: number) => void): Promise<boolean> {
	const scanner = deps.scanner ?? null;
	const must = mustScan(wanted, { configured: scanner !== null, optional: deps.scanOptional ?? false });
	if (must === 'no') return false;
	try {
		if (!scanner) {
			const who = job.params['scan'] === true ? 'The request asks for a virus scan (scan)' : 'The settings of the workspace ask for a virus scan (checks.scan)';
			throw new PipelineError('scanner_unavailable', `${who}, but the sidecar has no scanner. Set CLAMD, or ${job.params['scan'] === true ? 'send the request without it' : 'set checks.scan to null'}.`);
		}
		const signature = await step('scan', () => scanner.scan(path, { signal, onProgress: progress }));
		if (signature === null) return true;
		log.warn({ signature }, 'the virus scanner has found something; the file is deleted');
		throw new PipelineError('input_infected', `The virus scanner found ${signature} in the file. It was deleted and nothing was made of it.`, { details: { signature } });
	} catch (error) {
		if (error instanceof PipelineError && error.code === 'scanner_unavailable') await alert(deps, job, error);
		throw error;
	}
}

/** Every file that comes in while the scanner is away runs into it; who is told need not hear it of each. */
const ALERT_EVERY_SECONDS = 60;
let loggedAt = 0;

async function alert(deps: WorkerDeps, { workspaceId, assetId, id }: Execution['job'], error: PipelineError): Promise<void> {
	if (Date.now() - loggedAt > ALERT_EVERY_SECONDS * 1000) {
		loggedAt = Date.now();
		deps.log.error({ err: error }, 'the virus scanner is not available: nothing that must be scanned is accepted');
	}
	if (await recentlyRecorded(deps.db, workspaceId, 'scanner.unavailable', ALERT_EVERY_SECONDS)) return;
	await recordEvents(deps.db, [{ workspaceId, type: 'scanner.unavailable', assetId, jobId: id, data: { error: error.toPublic() } }]);
	deps.wake.events();
	deps.wake.callbacks();
}
