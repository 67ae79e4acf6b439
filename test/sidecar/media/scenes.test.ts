import { readScenes } from '../../../sidecar/src/media/scenes.ts';

/** As ffmpeg 5.1 writes it. */
const pictures = (cuts: Record<number, number>, count: number): string =>
	Array.from({ length: count }, (_, frame) => {
		const score = cuts[frame] ?? 0.4;
		const time = frame in cuts ? `\nlavfi.scd.time=${frame / 10}` : '';
		return `frame:${frame}    pts:${frame * 512}     pts_time:${frame / 10}\nlavfi.scd.mafd=${score}\nlavfi.scd.score=${score}${time}`;
	}).join('\n');

describe('the scenes that scdet reports', () => {
	it('lie between the cuts, each with the hardness of the cut before it', () => {
		expect(readScenes(pictures({ 20: 31.26, 45: 12 }, 60), 6, 0.5)).toEqual([
			{ start: 0, end: 2, score: 0 },
			{ start: 2, end: 4.5, score: 31.3 },
			{ start: 4.5, end: 6, score: 12 },
		]);
	});

	it('belong to the one before when they are too short, at the end as well', () => {
		expect(readScenes(pictures({ 20: 30, 22: 40, 58: 50 }, 60), 6, 0.5)).toEqual([
			{ start: 0, end: 2, score: 0 },
			{ start: 2, end: 6, score: 30 },
		]);
	});

	it('are one where there is no cut, or nothing was written', () => {
		expect(readScenes(pictures({}, 10), 1, 0.5)).toEqual([{ start: 0, end: 1, score: 0 }]);
		expect(readScenes('', 1, 0.5)).toEqual([{ start: 0, end: 1, score: 0 }]);
	});
});
