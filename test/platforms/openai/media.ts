import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Request } from 'express';
import sharp from 'sharp';
import { Refused, onlyFields } from './refused.ts';

const run = promisify(execFile);

export const MAX_AUDIO_BYTES = 25 * 1024 * 1024;
const FIELDS = ['file', 'model', 'response_format', 'timestamp_granularities[]', 'language', 'prompt', 'temperature', 'chunking_strategy'];

export interface UploadedFile {
	name: string;
	data: Buffer;
}

/** A multipart body with exactly one file part, which has a file name. */
export async function readForm(request: Request): Promise<{ fields: Record<string, string[]>; file: UploadedFile }> {
	const type = request.headers['content-type'] ?? '';
	if (!/^multipart\/form-data; *boundary=/.test(type)) throw new Refused(415, 'Expected multipart/form-data');
	const form = await new globalThis.Request('http://x', { method: 'POST', headers: { 'content-type': type }, body: new Uint8Array(request.body as Buffer) }).formData().catch(() => {
		throw new Refused(400, 'Could not parse multipart form');
	});
	const fields: Record<string, string[]> = {};
	const files: UploadedFile[] = [];
	for (const [name, value] of form) {
		onlyFields({ [name]: value }, FIELDS);
		if (typeof value === 'string') (fields[name] ??= []).push(value);
		else files.push({ name: value.name, data: Buffer.from(await value.arrayBuffer()) });
	}
	const twice = Object.entries(fields).find(([name, values]) => !name.endsWith('[]') && values.length > 1);
	if (twice) throw new Refused(400, `Duplicate parameter: '${twice[0]}'. Use the array form with [].`);
	const file = files[0];
	if (!file || files.length > 1 || fields['file']) throw new Refused(400, "Missing required parameter: 'file'");
	if (file.data.length > MAX_AUDIO_BYTES) throw new Refused(413, `Maximum content size limit (${MAX_AUDIO_BYTES}) exceeded (${file.data.length} bytes read)`);
	if (!/\.(flac|mp3|mp4|mpeg|mpga|m4a|ogg|wav|webm)$/.test(file.name)) throw new Refused(400, `Invalid file format: ${file.name}`);
	return { fields, file };
}

export interface AudioFacts {
	durationSeconds: number;
	channels: number;
	sampleRate: number;
}

export async function inspectAudio(file: UploadedFile): Promise<AudioFacts> {
	const folder = await mkdtemp(join(tmpdir(), 'openai-audio-'));
	try {
		const path = join(folder, 'audio');
		await writeFile(path, file.data);
		const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', 'a:0', '-show_entries', 'stream=channels,sample_rate:format=duration', '-of', 'json', path]);
		const probed = JSON.parse(stdout) as { streams: Array<{ channels: number; sample_rate: string }>; format: { duration: string } };
		const stream = probed.streams[0];
		if (!stream) throw new Error('no audio');
		// Decoded to the end: a header alone is not audio.
		await run('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-']);
		return { durationSeconds: Number(probed.format.duration), channels: stream.channels, sampleRate: Number(stream.sample_rate) };
	} catch {
		throw new Refused(400, 'The audio file could not be decoded or its format is not supported.');
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

export interface ImageFacts {
	width: number;
	height: number;
	format: string;
}

/** A picture as data URL; addresses would have to be fetched, which nothing here does. */
export async function inspectImage(url: string): Promise<ImageFacts> {
	const data = /^data:image\/(jpeg|png|webp|gif);base64,([A-Za-z0-9+/]+=*)$/.exec(url);
	if (!data?.[2]) throw new Refused(400, 'Invalid image data: expected a data URL', 'invalid_image_url');
	try {
		const bytes = Buffer.from(data[2], 'base64');
		await sharp(bytes).stats();
		const { width, height, format } = await sharp(bytes).metadata();
		if (format !== data[1]) throw new Error(`${format} is not ${data[1]}`);
		return { width, height, format };
	} catch {
		throw new Refused(400, 'You uploaded an unsupported image.', 'image_parse_error');
	}
}

const RATE = 24_000;

/** A tone as a WAV file like theirs: it is streamed, so its header does not know how long it is (all ones). */
export function toneWav(seconds: number): Buffer {
	const samples = Math.round(seconds * RATE);
	const wav = Buffer.alloc(44 + samples * 2);
	wav.write('RIFF', 0);
	wav.writeUInt32LE(0xffffffff, 4);
	wav.write('WAVEfmt ', 8);
	wav.writeUInt32LE(16, 16);
	wav.writeUInt16LE(1, 20);
	wav.writeUInt16LE(1, 22);
	wav.writeUInt32LE(RATE, 24);
	wav.writeUInt32LE(RATE * 2, 28);
	wav.writeUInt16LE(2, 32);
	wav.writeUInt16LE(16, 34);
	wav.write('data', 36);
	wav.writeUInt32LE(0xffffffff, 40);
	for (let at = 0; at < samples; at++) wav.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * 220 * at) / RATE)), 44 + at * 2);
	return wav;
}

export async function toneMp3(seconds: number): Promise<Buffer> {
	const args = ['-v', 'error', '-f', 'lavfi', '-i', `sine=f=220:r=${RATE}:d=${seconds}`, '-f', 'mp3', '-'];
	const { stdout } = await run('ffmpeg', args, { encoding: 'buffer', maxBuffer: 2 ** 26 });
	return stdout;
}
