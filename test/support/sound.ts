import { execFileSync } from 'node:child_process';

/** Independent looks at sound, straight through ffmpeg. */

/** Samples as floats, interleaved. */
export function samplesOf(path: string, { rate = 48_000, channels = 1, filters = '' }: { rate?: number; channels?: number; filters?: string } = {}): Float32Array {
	const args = ['-nostdin', '-v', 'error', '-i', path, '-vn', ...(filters ? ['-af', filters] : [])];
	const bytes = execFileSync('ffmpeg', [...args, '-f', 'f32le', '-ar', String(rate), '-ac', String(channels), '-'], { maxBuffer: 1 << 30 });
	return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** dB of full scale (a full sine is -3). */
export function rmsDb(samples: Float32Array, from = 0, to = samples.length): number {
	let sum = 0;
	for (let i = from; i < to; i++) sum += (samples[i] ?? 0) ** 2;
	return 10 * Math.log10(sum / Math.max(1, to - from) + 1e-20);
}

/** Loudness by the summary of ffmpeg's ebur128, which is another way than the one the operations read. */
export function measured(path: string): { lufs: number; truePeak: number; range: number } {
	const log = execFileSync('sh', ['-c', 'ffmpeg -nostdin -hide_banner -nostats -i "$0" -vn -af ebur128=peak=true -f null - 2>&1', path], { encoding: 'utf8' });
	const summary = log.slice(log.lastIndexOf('Summary:'));
	const number = (pattern: RegExp): number => Number(pattern.exec(summary)?.[1]?.replace('-inf', '-Infinity'));
	return { lufs: number(/I:\s+(\S+) LUFS/), truePeak: number(/Peak:\s+(\S+) dBFS/), range: number(/LRA:\s+(\S+) LU/) };
}

/** Strength of one frequency, dB of full scale: Goertzel's algorithm over all samples. */
export function toneDb(samples: Float32Array, hertz: number, rate = 48_000): number {
	const coefficient = 2 * Math.cos((2 * Math.PI * hertz) / rate);
	let before = 0;
	let last = 0;
	for (const sample of samples) [before, last] = [last, sample + coefficient * last - before];
	const power = last ** 2 + before ** 2 - coefficient * last * before;
	return 10 * Math.log10(power / (samples.length / 2) ** 2 + 1e-20);
}

/** One channel of interleaved samples. */
export const channelOf = (samples: Float32Array, channel: number, channels: number): Float32Array =>
	Float32Array.from({ length: Math.floor(samples.length / channels) }, (_, i) => samples[i * channels + channel] ?? 0);

/** Hash of a stream as stored, to prove that it was copied. */
export const streamHash = (path: string, stream: 'v' | 'a'): string =>
	execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', path, '-map', `0:${stream}:0`, '-c', 'copy', '-f', 'streamhash', '-'], { encoding: 'utf8' });

/** Seconds at which sound begins after at least `gap` seconds of near silence. */
export function onsets(samples: Float32Array, { rate = 48_000, level = 0.05, gap = 0.2 }: { rate?: number; level?: number; gap?: number } = {}): number[] {
	const found: number[] = [];
	let last = -Infinity;
	samples.forEach((sample, index) => {
		if (Math.abs(sample) < level) return;
		if (index - last > gap * rate) found.push(index / rate);
		last = index;
	});
	return found;
}
