import { runTool } from './process.ts';

/** Without these an operation cannot work at all: H.264 and AAC for every video, the others for `convert` and `thumbnail`. */
const REQUIRED_ENCODERS = ['libx264', 'aac', 'libvpx-vp9', 'libmp3lame', 'libopus', 'flac', 'libwebp', 'mjpeg', 'png', 'pcm_s16le'];

const INSTALL: Partial<Record<NodeJS.Platform, string>> = {
	linux: 'sudo apt-get install -y ffmpeg (Debian, Ubuntu), or your distribution’s ffmpeg package',
	darwin: 'brew install ffmpeg',
	win32: 'winget install Gyan.FFmpeg, then open a new terminal',
};

const TIMEOUT_MS = 20_000;

/** What is missing to process media, one sentence each, for the check at boot. Empty: nothing. */
export async function checkFfmpeg(): Promise<string[]> {
	const install = `Install it: ${INSTALL[process.platform] ?? 'see https://ffmpeg.org/download.html'}.`;
	const [encoders, ffprobe] = await Promise.all([availableEncoders(), runs('ffprobe')]);
	const problems: string[] = [];
	if (!encoders) problems.push(`ffmpeg is not installed, or not on the PATH. ${install}`);
	if (!ffprobe) problems.push(`ffprobe, which comes with ffmpeg, is not installed, or not on the PATH. ${install}`);
	const missing = encoders ? REQUIRED_ENCODERS.filter((name) => !encoders.has(name)) : [];
	if (missing.length > 0)
		problems.push(
			`This ffmpeg was built without ${missing.join(', ')}. ${install.replace('Install it', 'Install a full one')}`,
		);
	return problems;
}

/** Names of the encoders of this ffmpeg; null when there is no ffmpeg. */
export async function availableEncoders(): Promise<ReadonlySet<string> | null> {
	const result = await runTool('ffmpeg', ['-hide_banner', '-encoders'], { timeoutMs: TIMEOUT_MS }).catch(() => null);
	if (result?.code !== 0) return null;
	// ` V....D libx264   description`
	return new Set([...result.stdout.matchAll(/^ [VAS][F.][S.][X.][B.][D.] (\S+)/gm)].map((line) => line[1] ?? ''));
}

/** Whether this ffmpeg can show HDR on ordinary screens. Those built without zimg cannot. */
export const canToneMap = (): Promise<boolean> => hasFilters('zscale', 'tonemap');

/** Whether this ffmpeg can measure VMAF. Few distributions build it with libvmaf. */
export const hasVmaf = (): Promise<boolean> => hasFilters('libvmaf');

/** Whether this ffmpeg can draw subtitles. Those built without libass cannot. */
export const canDrawSubtitles = (): Promise<boolean> => hasFilters('ass');

async function hasFilters(...names: string[]): Promise<boolean> {
	const result = await runTool('ffmpeg', ['-hide_banner', '-filters'], { timeoutMs: TIMEOUT_MS }).catch(() => null);
	return names.every((name) => new RegExp(`^ [T.][S.][C.] ${name} `, 'm').test(result?.stdout ?? ''));
}

const runs = async (tool: string): Promise<boolean> =>
	(await runTool(tool, ['-version'], { timeoutMs: TIMEOUT_MS }).catch(() => null))?.code === 0;
