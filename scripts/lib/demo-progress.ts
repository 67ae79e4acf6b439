import type { Job } from '../../nodes/shared/wire.d.ts';
import type { Post, SidecarApi } from './sidecar-api.ts';

/** How often the state is read when no event asks for it: events may be lost, the database is the truth. */
const POLL_MS = 1_000;

/** When nothing has changed for so long, the demo shows what there is. The longest silent step is an upload to a platform. */
const GIVE_UP_MS = 90_000;

const BAR_WIDTH = 24;

/**
 * Shows the jobs and posts of an asset while they are worked on, until all have ended. In a terminal the lines are
 * redrawn; elsewhere each change is one line.
 */
export async function watchProgress(sidecar: SidecarApi, assetId: string, posts: number, say: (line: string) => void): Promise<void> {
	const screen = process.stdout.isTTY && say !== console.error ? new Screen() : new Log(say);
	const stop = new AbortController();
	const wake = new Wake();
	const listening = listen(sidecar, assetId, stop.signal, () => wake.now());
	let seen = '';
	let changedAt = Date.now();
	try {
		for (;;) {
			const { jobs, asset } = await sidecar.processView(assetId);
			const published = await sidecar.posts(assetId);
			const lines = [...jobs.map(jobLine), ...published.map(postLine)];
			screen.show(lines);
			if (lines.join() !== seen) changedAt = Date.now();
			seen = lines.join();
			const jobsEnded = jobs.every(({ status }) => status !== 'pending' && status !== 'processing');
			const failed = asset.status === 'failed' || jobs.some(({ status }) => status !== 'completed');
			const postsEnded = published.length >= posts && published.every(({ status }) => status !== 'pending' && status !== 'processing');
			if (jobsEnded && (failed || postsEnded)) return;
			if (Date.now() - changedAt > GIVE_UP_MS) return;
			await wake.orAfter(POLL_MS);
		}
	} finally {
		stop.abort();
		await listening;
	}
}

/** Server-sent events say when to look; without them (an old proxy in between) looking once a second does. */
async function listen(sidecar: SidecarApi, assetId: string, signal: AbortSignal, onEvent: () => void): Promise<void> {
	try {
		for await (const _ of sidecar.events(`asset_id=${assetId}`, signal)) onEvent();
	} catch {
		// Broken or ended: the polling goes on.
	}
}

const MARKS: Record<string, string> = { completed: '✓', published: '✓', failed: '✗', cancelled: '✗', unknown: '?', needs_reauth: '✗' };

function jobLine({ job_type: type, status, progress, error }: Job): string {
	const percent = status === 'completed' ? 100 : Math.round(progress);
	const filled = Math.round((percent / 100) * BAR_WIDTH);
	return line(type, status, `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${String(percent).padStart(3)} %`, error?.message);
}

function postLine({ platform, status, error }: Post): string {
	return line(`post to ${platform}`, status, '', error?.message);
}

function line(name: string, status: string, middle: string, problem: string | undefined): string {
	return `  ${MARKS[status] ?? '·'} ${name.padEnd(18)} ${status.padEnd(11)} ${middle}${problem ? `  ${problem}` : ''}`;
}

/** Redraws the lines in place. */
class Screen {
	#drawn = 0;
	show(lines: string[]): void {
		const width = (process.stdout.columns ?? 100) - 1;
		const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : '';
		// A line that wraps would be counted wrongly when the next picture is drawn over it.
		process.stdout.write(up + lines.map((text) => `\x1b[2K${text.slice(0, width)}\n`).join(''));
		this.#drawn = Math.max(this.#drawn, lines.length);
	}
}

/** Writes what has changed, percentages in tenths only. */
class Log {
	readonly #say: (line: string) => void;
	#said = new Map<string, string>();
	constructor(say: (line: string) => void) {
		this.#say = say;
	}
	show(lines: string[]): void {
		for (const text of lines) {
			const name = text.slice(4, 22);
			const coarse = text.replace(/[█░]+/, '').replace(/(\d)\d? %/, (_, tens: string) => `${tens}0 %`);
			if (this.#said.get(name) === coarse) continue;
			this.#said.set(name, coarse);
			this.#say(text);
		}
	}
}

/** A sleep that an event ends early. */
class Wake {
	#wake = () => {};
	#pending = false;
	now(): void {
		this.#pending = true;
		this.#wake();
	}
	async orAfter(ms: number): Promise<void> {
		if (!this.#pending) {
			await new Promise<void>((resolve) => {
				const timer = setTimeout(resolve, ms);
				this.#wake = () => {
					clearTimeout(timer);
					resolve();
				};
			});
		}
		this.#pending = false;
	}
}
