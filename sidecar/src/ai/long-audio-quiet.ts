import { open, type FileHandle } from 'node:fs/promises';
import type { Span } from './voice-activity.ts';
import { findSamples, SAMPLE_RATE, type WavData } from './wav.ts';

/** Loudness is looked at in steps of this; 10 ms is a frame of speech recognition. */
const STEP_SAMPLES = SAMPLE_RATE / 100;
/** Steps that must be quiet together: a pause between words takes 0.1 to 0.2 s, the stop of a consonant half of that. */
const PAUSE_STEPS = 16;
/** How full pieces are on average, so that there is a choice of places. */
const FILLED = 0.9;
/** Farther from the even place nobody looks: that many seconds of speech have a pause. */
const MAX_REACH_SECONDS = 10;

/**
 * Divides speech that lasts longer than a piece may at its quietest places, which lie between words, also where music plays on or
 * nobody takes a breath: half a word is understood on neither side. Spans that fit stay as they are; all others become
 * several that touch.
 *
 * @param wavPath 16 kHz, mono, 16 bits
 * @param longest what a piece may last, seconds (longestPiece)
 */
export async function cutAtQuiet(wavPath: string, spans: readonly Span[], longest: number): Promise<Span[]> {
	if (spans.every((span) => lengthOf(span) <= longest)) return [...spans];
	const file = await open(wavPath, 'r');
	try {
		const data = await findSamples(file);
		const cut: Span[] = [];
		for (const span of spans) cut.push(...(await divide(file, data, span, longest)));
		return cut;
	} finally {
		await file.close();
	}
}

const lengthOf = ({ start, end }: Span): number => end - start;

async function divide(file: FileHandle, data: WavData, span: Span, longest: number): Promise<Span[]> {
	const count = lengthOf(span) <= longest ? 1 : Math.ceil(lengthOf(span) / (FILLED * longest));
	const each = lengthOf(span) / count;
	// Both ends of a piece may move.
	const reach = Math.min(MAX_REACH_SECONDS, (longest - each) / 2);
	const edges = [span.start];
	for (let index = 1; index < count; index++) {
		const even = span.start + index * each;
		edges.push(await quietest(file, data, { start: even - reach, end: even + reach }));
	}
	return edges.map((start, index) => ({ start, end: edges[index + 1] ?? span.end }));
}

/** The middle of the quietest stretch; of equal ones, that nearest to the middle of the window. Seconds. */
async function quietest(file: FileHandle, data: WavData, window: Span): Promise<number> {
	const first = Math.round(window.start * SAMPLE_RATE);
	const buffer = Buffer.alloc(2 * Math.floor(lengthOf(window) * SAMPLE_RATE));
	const { bytesRead } = await file.read(buffer, 0, Math.max(0, Math.min(buffer.length, data.bytes - 2 * first)), data.start + 2 * first);
	const energies = energyOf(new Int16Array(buffer.buffer, buffer.byteOffset, Math.floor(bytesRead / 2)));
	const middle = lengthOf(window) / 2;
	let best = { energy: Infinity, at: middle };
	let energy = 0;
	energies.forEach((value, step) => {
		energy += value - (energies[step - PAUSE_STEPS] ?? 0);
		if (step + 1 < PAUSE_STEPS) return;
		const at = ((step + 1 - PAUSE_STEPS / 2) * STEP_SAMPLES) / SAMPLE_RATE;
		if (energy < best.energy || (energy === best.energy && Math.abs(at - middle) < Math.abs(best.at - middle))) best = { energy, at };
	});
	return first / SAMPLE_RATE + best.at;
}

/** Of each whole step; whole numbers, so that sums of them are exact. */
function energyOf(samples: Int16Array): Float64Array {
	const energies = new Float64Array(Math.floor(samples.length / STEP_SAMPLES));
	energies.forEach((_, step) => {
		let sum = 0;
		for (let at = step * STEP_SAMPLES; at < (step + 1) * STEP_SAMPLES; at++) sum += samples[at]! ** 2;
		energies[step] = sum;
	});
	return energies;
}
