import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { PipelineError } from '../errors.ts';
import { parseManifest, withBandwidths, type Track } from './dash-manifest.ts';
import { bitRates, finishedMaster, finishedMediaPlaylist, referencesOf, type TrackRates } from './hls-playlist.ts';
import type { PlannedOutput, ProducedFile } from './plan.ts';
import { abortError, asFileUrl, inputArguments } from './probe.ts';
import { runTool } from './process.ts';
import { refuseShort } from './verify.ts';

/** Files of a package by extension: HLS (RFC 8216 section 10), DASH (ISO/IEC 23009-1 annex C), CMAF segments. */
const MIME: Readonly<Record<string, string>> = {
	'.m3u8': 'application/vnd.apple.mpegurl',
	'.mpd': 'application/dash+xml',
	'.m4s': 'video/iso.segment',
	'.mp4': 'video/mp4',
	'.ts': 'video/mp2t',
	'.vtt': 'text/vtt',
	'.jpg': 'image/jpeg',
	'.png': 'image/png',
	'.webp': 'image/webp',
};

/** Type of a file that a job made, by its name, where nothing else says it. */
export const mimeOfName = (name: string): string => MIME[extname(name)] ?? 'application/octet-stream';

export interface PackageCheck {
	/** The end of what ffmpeg said. */
	stderr: string;
	signal: AbortSignal;
}

/**
 * Checks the package that ffmpeg's dash muxer left in `from`, completes its manifests, and answers its files as they will lie
 * in `to`: the manifests that players are given first; all else is a part. Throws `processing_failed` and `input_corrupt`.
 */
export async function packageFiles(planned: PlannedOutput, from: string, to: string, check: PackageCheck): Promise<ProducedFile[]> {
	const main = join(from, basename(planned.name));
	const mpd = await readFile(main, 'utf8').catch(() => {
		throw broken(planned, 'there is no manifest', check);
	});
	const tracks = parseManifest(mpd);
	const measured = await measure(planned, tracks, from, check);
	const seconds = refuseUneven(planned, tracks, check);
	for (const track of tracks) await refuseUndecodable(planned, track, from, check);
	await writeFile(main, withBandwidths(mpd, new Map(tracks.map(({ id }) => [id, Math.ceil(measured.get(id)?.peak ?? 0)]))));
	await finishPlaylists(planned, tracks, measured, from, check);
	for (const name of planned.leaveOut ?? []) await rm(join(from, name), { force: true });
	return list(planned, await readdir(from), to, seconds);
}

/** The files as they are stored. */
function list(planned: PlannedOutput, names: string[], to: string, seconds: number): ProducedFile[] {
	const folder = dirname(planned.name);
	const isManifest = (name: string): boolean => extname(name) === '.mpd' || /^master\./.test(name);
	return names
		.sort()
		.map((name) => ({
			name: `${folder}/${name}`,
			path: join(to, name),
			mime: mimeOfName(name),
			...(isManifest(name) ? { durationSeconds: Math.round(seconds * 1000) / 1000 } : { part: true as const }),
		}))
		.sort((a, b) => Number('part' in a) - Number('part' in b));
}

/** Every file that the manifest names is there and not empty. Answers what each track needs, in bits per second. */
async function measure(planned: PlannedOutput, tracks: Track[], folder: string, check: PackageCheck): Promise<Map<string, TrackRates>> {
	if (tracks.length === 0) throw broken(planned, 'its manifest names no track', check);
	const sizeOf = async (name: string): Promise<number> => {
		const size = await stat(join(folder, name)).then(
			(found) => found.size,
			() => 0,
		);
		if (size === 0) throw broken(planned, `${name} is named in its manifest, but it is missing or empty`, check);
		return size;
	};
	const measured = new Map<string, TrackRates>();
	for (const { id, init, segments, frameRate, channels } of tracks) {
		if (segments.length === 0) throw broken(planned, `its track ${id} has no segments`, check);
		await sizeOf(init);
		const sized = await Promise.all(segments.map(async (segment) => ({ ...segment, bytes: await sizeOf(segment.name) })));
		measured.set(id, { ...bitRates(sized), frameRate, channels });
	}
	return measured;
}

/** Players change the rung at any segment: a rung that is cut elsewhere would show a gap or a repetition. */
const UNEVEN_SECONDS = 0.01;

/** Answers the length of the longest track. */
function refuseUneven(planned: PlannedOutput, tracks: Track[], check: PackageCheck): number {
	const longest = Math.max(...tracks.map(({ segments }) => segments.reduce((total, { seconds }) => total + seconds, 0)));
	refuseShort(planned, { durationSeconds: longest }, check.stderr);
	const [first, ...others] = tracks.filter(({ kind }) => kind === 'video');
	for (const other of others) {
		const even =
			other.segments.length === first?.segments.length &&
			other.segments.every(({ seconds }, index) => Math.abs(seconds - (first.segments[index]?.seconds ?? 0)) <= UNEVEN_SECONDS);
		if (!even) throw broken(planned, `its tracks ${first?.id} and ${other.id} are cut at different places`, check);
	}
	return longest;
}

const DECODE_TIMEOUT_MS = 60_000;

/** The first second of the first segment goes through a decoder. */
async function refuseUndecodable(planned: PlannedOutput, { id, init, segments }: Track, folder: string, check: PackageCheck): Promise<void> {
	const joined = join(folder, '.first.mp4');
	try {
		const [head, first] = await Promise.all([init, segments[0]?.name ?? ''].map((name) => readFile(join(folder, name))));
		await writeFile(joined, Buffer.concat([head ?? Buffer.alloc(0), first ?? Buffer.alloc(0)]));
		const { code, stderr } = await runTool(
			'ffmpeg',
			[...['-nostdin', '-v', 'error', '-xerror', ...inputArguments('mov'), '-i', asFileUrl(joined)], ...['-map', '0', '-t', '1', '-f', 'null', '-']],
			{ timeoutMs: DECODE_TIMEOUT_MS, signal: check.signal },
		);
		if (code !== 0) throw broken(planned, `the first segment of its track ${id} cannot be decoded`, { ...check, stderr });
	} catch (error) {
		throw check.signal.aborted ? abortError(check.signal) : error;
	} finally {
		await rm(joined, { force: true });
	}
}

async function finishPlaylists(planned: PlannedOutput, tracks: Track[], measured: Map<string, TrackRates>, folder: string, check: PackageCheck): Promise<void> {
	const names = await readdir(folder);
	const playlists = names.filter((name) => name.endsWith('.m3u8'));
	// The muxer numbers both by stream.
	const rates = new Map(tracks.flatMap(({ id }) => (measured.has(id) ? [[`media_${id}.m3u8`, measured.get(id) as TrackRates] as const] : [])));
	for (const name of playlists) {
		const path = join(folder, name);
		const playlist = await readFile(path, 'utf8');
		const missing = referencesOf(playlist).find((reference) => !names.includes(reference));
		if (missing !== undefined) throw broken(planned, `${name} names ${missing}, which is missing`, check);
		await writeFile(path, /^#EXT-X-STREAM-INF/m.test(playlist) ? finishedMaster(playlist, rates) : finishedMediaPlaylist(playlist));
	}
}

const broken = ({ name }: PlannedOutput, what: string, { stderr }: PackageCheck): PipelineError =>
	new PipelineError('processing_failed', `ffmpeg ended well, but its package ${dirname(name)} is broken: ${what}. The log of the sidecar has its words.`, {
		cause: new Error(stderr),
	});
