import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface ProbedFile {
	bytes: number;
	mime: string;
	/** NaN for a picture. */
	seconds: number;
	video: { codec: string; width: number; height: number } | null;
	audio: { codec: string } | null;
}

/** Downloads an output as its user would, and looks into it with ffprobe. */
export async function probeFile(url: string, folder: string): Promise<ProbedFile> {
	const { bytes, mime } = await download(url);
	const path = join(folder, `probed-${randomUUID()}`);
	await writeFile(path, bytes);
	const args = ['-v', 'error', '-show_entries', 'stream=codec_type,codec_name,width,height:format=duration', '-of', 'json', path];
	const { streams, format } = JSON.parse(execFileSync('ffprobe', args, { encoding: 'utf8' })) as {
		streams: Array<{ codec_type: string; codec_name: string; width: number; height: number }>;
		format: { duration?: string };
	};
	const video = streams.find((stream) => stream.codec_type === 'video');
	const audio = streams.find((stream) => stream.codec_type === 'audio');
	return {
		bytes: bytes.length,
		mime,
		seconds: Number(format.duration),
		video: video ? { codec: video.codec_name, width: video.width, height: video.height } : null,
		audio: audio ? { codec: audio.codec_name } : null,
	};
}

export async function download(url: string): Promise<{ bytes: Buffer; mime: string }> {
	const response = await fetch(url);
	if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}: ${await response.text()}`);
	return { bytes: Buffer.from(await response.arrayBuffer()), mime: response.headers.get('content-type') ?? '' };
}
