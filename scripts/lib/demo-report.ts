import type { Job } from '../../nodes/shared/wire.d.ts';
import type { Post, SidecarApi } from './sidecar-api.ts';
import type { Stack } from './stack.ts';
import { WALL } from './stand-ins.ts';

/** What `npm run demo` tells at the end; `--json` prints exactly this. */
export interface DemoReport {
	/** Whether every job completed and every post was published. */
	ok: boolean;
	asset_id: string;
	total_seconds: number;
	n8n_url: string | null;
	jobs: Array<{
		job: string;
		status: string;
		/** Seconds from its start to its end. */
		seconds: number | null;
		files: Array<{ name: string; url: string; mime: string; bytes: number }>;
		/** What it wrote, when that is no file: the first caption. */
		text: string | null;
		error: { code: string; message: string } | null;
	}>;
	posts: Array<{ platform: string; status: string; text: string; url: string | null; error: { code: string; message: string } | null }>;
	stand_ins: Array<{ name: string; url: string }>;
	notes: string[];
}

export async function demoReport(stack: Stack, sidecar: SidecarApi, assetId: string, tookMs: number): Promise<DemoReport> {
	const { jobs } = await sidecar.processView(assetId);
	jobs.sort((a, b) => (a.started_at ?? '').localeCompare(b.started_at ?? ''));
	const posts = await sidecar.posts(assetId);
	const names = stack.standIns.map(({ name }) => name).filter((name) => name !== WALL);
	return {
		ok: jobs.every(({ status }) => status === 'completed') && posts.length > 0 && posts.every(({ status }) => status === 'published'),
		asset_id: assetId,
		total_seconds: Math.round(tookMs / 100) / 10,
		n8n_url: stack.n8nUrl,
		jobs: jobs.map((job) => ({
			job: job.job_type,
			status: job.status,
			seconds: secondsOf(job),
			files: (job.output_data?.files ?? []).map(({ name, url, mime, bytes }) => ({ name, url, mime, bytes })),
			text: firstCaption(job),
			error: job.error,
		})),
		posts: posts.map((post) => ({ platform: post.platform, status: post.status, text: post.text, url: whereToLook(post, stack.standIns), error: post.error })),
		stand_ins: stack.standIns,
		notes:
			names.length === 0
				? []
				: [
						`No account is configured for ${names.join(', ')}: local stand-ins answered. Nothing was published on the internet.`,
						...(names.includes('AI') ? ['The transcript is a draft by a local engine; the post texts come from a stand-in that does not look. Set OPENAI_API_KEY for real ones.'] : []),
					],
	};
}

/** A stand-in says what the real platform would say: an address there, where nothing was posted. Its own page shows the post. */
export function whereToLook(post: Post, standIns: Stack['standIns']): string | null {
	const standIn = standIns.find(({ name }) => name.toLowerCase() === post.platform);
	return standIn && post.external_post_id ? `${standIn.url}/#${post.external_post_id}` : post.permalink;
}

function firstCaption({ output_data: output }: Job): string | null {
	const captions = output?.captions as Array<{ text?: string }> | undefined;
	return captions?.[0]?.text ?? null;
}

function secondsOf({ started_at: start, completed_at: end }: Job): number | null {
	return start && end ? Math.round((Date.parse(end) - Date.parse(start)) / 10) / 100 : null;
}

/** The report as a table. */
export function reportText(report: DemoReport): string {
	const lines = ['', `Done in ${report.total_seconds} s.`, ''];
	const rows = report.jobs.flatMap(({ job, status, seconds, files, text, error }) => {
		const time = seconds === null ? '' : `${seconds.toFixed(2)} s`;
		const results = files.length > 0 ? files.map(({ name, url, bytes }) => `${name} (${size(bytes)})  ${url}`) : [error ? `${error.code}: ${error.message}` : oneLine(text ?? '')];
		return results.map((result, index) => (index === 0 ? [job, status, time, result] : ['', '', '', result]));
	});
	lines.push(...table(['Job', 'State', 'Time', 'Result'], rows), '');
	const posts = report.posts.map(({ platform, status, text, url, error }) => [platform, status, url ?? '', error ? `${error.code}: ${error.message}` : oneLine(text)]);
	lines.push(...table(['Post', 'State', 'Where', 'Text'], posts));
	if (report.notes.length > 0) lines.push('', ...report.notes);
	if (report.n8n_url) lines.push('', `The executions in n8n: ${report.n8n_url}/home/executions`);
	return lines.join('\n');
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ');

function size(bytes: number): string {
	return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Columns as wide as their widest cell; the last one is left as it is. */
function table(head: string[], rows: string[][]): string[] {
	const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
	const draw = (cells: string[]) => `  ${cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ')}`.trimEnd();
	const rule = widths.map((width, column) => '─'.repeat(column === widths.length - 1 ? (head[column]?.length ?? 4) : width));
	return [draw(head), draw(rule), ...rows.map(draw)];
}
