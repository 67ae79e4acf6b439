import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { cutAtQuiet } from '../../../sidecar/src/ai/long-audio-quiet.ts';
import { planPieces } from '../../../sidecar/src/ai/long-audio-plan.ts';
import { SAMPLE_RATE, wavHeader } from '../../../sidecar/src/ai/wav.ts';
import type { Span } from '../../../sidecar/src/ai/voice-activity.ts';
import { inFolder } from '../../support/engine.ts';

/** A tone as loud as `loudness` says for each moment, 0 to 1. */
function tone(seconds: number, loudness: (at: number) => number): Buffer {
	const samples = Int16Array.from({ length: seconds * SAMPLE_RATE }, (_, index) => 20_000 * loudness(index / SAMPLE_RATE) * Math.sin(index * 0.3));
	return Buffer.concat([wavHeader(samples.byteLength), Buffer.from(samples.buffer)]);
}

const cut = (sound: Buffer, spans: Span[], longest: number): Promise<Span[]> =>
	inFolder(async (folder) => {
		const path = join(folder, 'sound.wav');
		await writeFile(path, sound);
		return cutAtQuiet(path, spans, longest);
	});
/** Words of half a second, a tenth of a second of music alone between them. */
const talk = (at: number): number => (at % 0.6 < 0.5 ? 1 : 0.2);

describe('speech that lasts longer than a piece may', () => {
	it('is cut between words, also where music plays on', async () => {
		const spans = await cut(tone(60, talk), [{ start: 0, end: 60 }], 20);
		expect(spans.length).toBe(4);
		for (const { end } of spans.slice(0, -1)) expect((end % 0.6) - 0.55).toBeCloseTo(0, 1);
	});

	it('is cut in the longest pause at hand, rather than in the shorter one beside the even place', async () => {
		const spans = await cut(tone(30, (at) => (at > 16.2 && at < 16.6 ? 0 : talk(at))), [{ start: 0, end: 30 }], 20);
		expect(spans.map(({ end }) => end)).toEqual([expect.closeTo(16.4, 0), 30]);
		expect(spans[0]!.end).toBeGreaterThan(16.2);
		expect(spans[0]!.end).toBeLessThan(16.6);
	});

	it('is cut evenly where no place is quieter than others', async () => {
		const spans = await cut(tone(30, () => 0), [{ start: 0, end: 30 }], 20);
		expect(spans.map(({ end }) => Math.round(end * 10) / 10)).toEqual([15, 30]);
	});

	it('keeps what fits as it is, without a look at the sound', async () => {
		const spans = [{ start: 1, end: 5 }, { start: 6, end: 26 }];
		expect(await cutAtQuiet('/nowhere', spans, 20)).toEqual(spans);
		expect(await cutAtQuiet('/nowhere', [], 20)).toEqual([]);
	});

	it('is whole in its parts, each as long as a piece may be, wherever it is quiet', async () => {
		const sound = tone(90, (at) => Math.abs(Math.sin(at * 1.7) * Math.sin(at * 0.31)));
		await fc.assert(
			fc.asyncProperty(fc.double({ min: 0, max: 40, noNaN: true }), fc.double({ min: 0.5, max: 60, noNaN: true }), fc.double({ min: 1, max: 30, noNaN: true }), async (start, seconds, longest) => {
				const end = Math.min(95, start + seconds);
				const spans = await cut(sound, [{ start, end }], longest);
				expect([spans[0]!.start, spans.at(-1)!.end]).toEqual([start, end]);
				spans.forEach((span, index) => {
					expect(span.end).toBeGreaterThan(span.start);
					expect(span.end - span.start).toBeLessThanOrEqual(longest + 0.001);
					if (index > 0) expect(span.start).toBe(spans[index - 1]!.end);
				});
				const pieces = planPieces(spans, 95, { format: 'wav', maxBytes: Infinity, maxSeconds: longest + 0.01 });
				pieces.slice(1).forEach((piece, index) => expect(piece.start).toBeGreaterThanOrEqual(pieces[index]!.end));
			}),
			{ numRuns: 40 },
		);
	});
});
