import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run, works } from './shell.mjs';

/** What the voice says: plain words, which a small local engine understands, too. */
export const SENTENCES = [
	'Hello and welcome.',
	'This video was made by a small machine.',
	'Every morning, the farmer brings fresh bread to the village.',
	'The children wait for him at the old stone bridge.',
	'Today we follow him through the town.',
];
const TITLE = 'Media Pipeline';

/** Seconds of silence between two sentences. */
const PAUSE_SECONDS = 0.6;
const WIDTH = 1280;
const HEIGHT = 720;
const FRAMES_PER_SECOND = 25;

export interface DemoVideo {
	path: string;
	durationSeconds: number;
}

/** Makes a short video with speech: flite or espeak-ng talks, ffmpeg draws. Takes 3 to 6 s. */
export async function makeDemoVideo(folder: string): Promise<DemoVideo> {
	await mkdir(folder, { recursive: true });
	const spoken: Spoken[] = [];
	// The local recogniser of speech understands this voice much better.
	const flite = await works('flite', ['-lv']);
	let begin = PAUSE_SECONDS;
	for (const [index, sentence] of SENTENCES.entries()) {
		const wav = join(folder, `sentence-${index}.wav`);
		// 150 words a minute: a little slower than espeak's default, which is hard to follow.
		if (flite) await run('flite', ['-voice', 'slt', '-t', sentence, '-o', wav]);
		else await run('espeak-ng', ['-v', 'en-us', '-s', '150', '-w', wav, sentence]);
		const seconds = await durationOf(wav);
		spoken.push({ wav, begin });
		begin += seconds + PAUSE_SECONDS;
	}
	const path = join(folder, 'demo.mp4');
	const durationSeconds = Math.ceil(begin * 10) / 10;
	try {
		await draw(path, durationSeconds, spoken, true);
	} catch {
		// Some builds of ffmpeg come without drawtext or find no font: the picture then goes without words.
		await draw(path, durationSeconds, spoken, false);
	}
	return { path, durationSeconds };
}

interface Spoken {
	wav: string;
	/** Seconds from the start of the video. */
	begin: number;
}

async function draw(path: string, seconds: number, spoken: Spoken[], withText: boolean): Promise<void> {
	const voices = spoken.map(({ begin }, index) => `[${index}:a]adelay=${Math.round(begin * 1000)}:all=1[v${index}]`);
	const mixed = `${spoken.map((_, index) => `[v${index}]`).join('')}amix=inputs=${spoken.length}:normalize=0,apad=whole_dur=${seconds},asplit[sound][seen]`;
	const graph = [
		...voices,
		mixed,
		// A slow, dark gradient (small, then enlarged: it has no details) behind a wave that follows the voice.
		`gradients=s=${WIDTH / 4}x${HEIGHT / 4}:r=${FRAMES_PER_SECOND}:d=${seconds}:c0=0x12233f:c1=0x5b2a86:c2=0x0f7173:c3=0x12233f:n=4:speed=0.012:x0=0:y0=0:x1=${WIDTH / 4}:y1=${HEIGHT / 4},scale=${WIDTH}x${HEIGHT}[sky]`,
		`[seen]showwaves=s=${WIDTH}x220:r=${FRAMES_PER_SECOND}:mode=cline:colors=0xffffff@0.85:scale=sqrt[wave]`,
		`[sky][wave]overlay=0:${HEIGHT / 2 - 110}:format=auto[pictured]`,
		`[pictured]${withText ? title : 'null'},format=yuv420p[video]`,
	].join(';');
	await run('ffmpeg', [
		'-hide_banner',
		'-loglevel',
		'error',
		'-y',
		...spoken.flatMap(({ wav }) => ['-i', wav]),
		'-filter_complex',
		graph,
		...['-map', '[video]', '-map', '[sound]', '-t', String(seconds)],
		...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18', '-c:a', 'aac', '-b:a', '128k', '-ar', '48000', '-ac', '2'],
		...['-movflags', '+faststart', path],
	]);
}

/** At the top, faded in. */
const title = `drawtext=font=DejaVu Sans:fontcolor=white:x=(w-text_w)/2:text='${TITLE}':fontsize=72:y=110:alpha='min(1,t/0.8)'`;

async function durationOf(file: string): Promise<number> {
	const output = await run('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', file]);
	return Number(output.trim());
}
