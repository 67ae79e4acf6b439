import fc from 'fast-check';
import { canSplit, concatList, howMany, joinArguments, piecePlan, planChunks, readPackets, soundPlan, type Packet } from '../../../sidecar/src/media/chunks.ts';
import { compress } from '../../../sidecar/src/operations/video/compress.ts';
import { audioFacts, picture, videoFacts } from '../../support/facts.ts';

const planOf = (params: Record<string, unknown> = {}, facts = videoFacts()) => compress.plan(facts, compress.params.parse(params));

describe('cutting a film into chunks', () => {
	/** A film of uneven groups of pictures. */
	const films = fc
		.record({ start: fc.double({ min: -1, max: 100, noNaN: true }), rate: fc.constantFrom(24000 / 1001, 25, 30, 60), groups: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 60 }) })
		.map(({ start, rate, groups }) => {
			const packets: Packet[] = [];
			for (const length of groups) for (let index = 0; index < length; index++) packets.push({ time: start + packets.length / rate, key: index === 0 });
			return { packets, start, rate };
		});

	it('takes every picture exactly once, and begins each chunk with a key frame', () => {
		fc.assert(
			fc.property(films, fc.integer({ min: 1, max: 70 }), ({ packets, start }, count) => {
				const chunks = planChunks(packets, count, start);
				fc.pre(chunks.length > 0);
				expect(chunks.length).toBeLessThanOrEqual(count);
				expect(chunks.reduce((sum, { frames }) => sum + frames, 0)).toBe(packets.length);
				expect(chunks[0]?.start).toBe(0);
				expect(chunks.at(-1)?.end).toBeNull();
				let taken = 0;
				for (const [index, chunk] of chunks.entries()) {
					expect(packets[taken]?.key).toBe(true);
					// What ffmpeg reads with these bounds is what was counted.
					const within = packets.filter(({ time }) => time - start >= chunk.start - 1e-9 && (chunk.end === null || time - start < chunk.end));
					if (index > 0) expect(within[0]).toBe(packets[taken]);
					expect(within.filter((packet) => packets.indexOf(packet) >= taken)).toHaveLength(chunk.frames);
					if (index > 0) expect(chunk.start).toBe(chunks[index - 1]?.end);
					taken += chunk.frames;
					if (chunk.seconds !== null) expect(packets[taken]!.time - packets[taken - chunk.frames]!.time).toBeCloseTo(chunk.seconds, 5);
				}
			}),
			{ numRuns: 60 },
		);
	});

	it('makes chunks of about the same length where key frames allow it', () => {
		const packets = Array.from({ length: 2500 }, (_, index) => ({ time: index / 25, key: index % 50 === 0 }));
		expect(planChunks(packets, 4, 0).map(({ frames }) => frames)).toEqual([600, 650, 600, 650]);
	});

	it('does not cut a film with one key frame, or none at all', () => {
		expect(planChunks(Array.from({ length: 2500 }, (_, index) => ({ time: index / 25, key: index === 0 })), 4, 0)).toEqual([]);
		expect(planChunks([], 4, 0)).toEqual([]);
	});

	it('reads packets in the order in which they are shown, without those to be thrown away', () => {
		expect(readPackets('-0.040000,KD_\n0.000000,K__\n0.120000,___\n0.040000,___\nN/A,___\n0.080000,___\n')).toEqual([
			{ time: 0, key: true },
			{ time: 0.04, key: false },
			{ time: 0.08, key: false },
			{ time: 0.12, key: false },
		]);
	});

	it('makes enough chunks for all workers to end together', () => {
		expect(howMany(1200, 300, 2)).toBe(4);
		expect(howMany(700, 300, 2)).toBe(4);
		expect(howMany(400, 300, 4)).toBe(4);
		expect(howMany(1e6, 300, 5)).toBeLessThanOrEqual(64);
		expect(howMany(1200, 300, 1)).toBe(1);
	});
});

describe('an encode that can be split', () => {
	it('encodes the picture of one source, one picture at a time', () => {
		expect(canSplit(planOf(), videoFacts(), 0)?.name).toBe('compressed.mp4');
	});

	const changed = (change: object) => ({ ...planOf(), outputs: [{ ...planOf().outputs[0]!, ...change }] });
	it.each([
		['a copy', planOf({ height: 1080, crf: 0 }), videoFacts()],
		['two passes', planOf({ mode: 'size', target_mb: 5 }), videoFacts(), true],
		['filters that remember', changed({ videoFilters: ['hqdn3d'] }), videoFacts()],
		['another rate', planOf({ frame_rate: 24 }), videoFacts()],
		['filters that know the time', changed({ videoFilters: ['hue=h=t*10'] }), videoFacts()],
		['a graph', changed({ graph: { filters: '[v]null[o]', map: ['[o]'] } }), videoFacts()],
		['a window', changed({ seekSeconds: 5 }), videoFacts()],
		['two outputs', { ...planOf(), outputs: [planOf().outputs[0]!, planOf().outputs[0]!] }, videoFacts()],
		['fields', planOf(), videoFacts({ video: picture({ interlaced: true }) })],
		['pictures at uneven times', planOf(), videoFacts({ video: picture({ variableFrameRate: true }) })],
		['sound alone', planOf(), audioFacts()],
	])('is not one with %s', (_what, plan, facts, twoPasses = false) => {
		const [output] = plan.outputs;
		const looked = twoPasses ? { ...plan, outputs: [{ ...output!, options: [...output!.options, '-pass', '2'] }] } : plan;
		expect(canSplit(looked, facts, 0)).toBeNull();
	});

	it('is not one with files that measuring has made', () => {
		expect(canSplit({ ...planOf(), made: [{ name: 'a.mp4', path: '/scratch/1/a.mp4', mime: 'video/mp4' }] }, videoFacts(), 0)).toBeNull();
	});

	it('is not one with further inputs', () => {
		expect(canSplit(planOf(), videoFacts(), 1)).toBeNull();
	});

	it('becomes pieces without sound, and sound in one piece', () => {
		const plan = planOf();
		const output = plan.outputs[0]!;
		const piece = piecePlan(plan, output, { start: 10.02, end: 20.02, frames: 300, seconds: 10 }, 1800, 30);
		expect(piece.outputs[0]).toMatchObject({ name: 'piece.mp4', seekSeconds: 10.02, durationSeconds: 10, expectedSeconds: 10, videoFilters: ['scale=1280:720', 'setsar=1', 'setpts=PTS-STARTPTS'] });
		expect(piece.outputs[0]?.options).toContain('-an');
		expect(piece.estimatedCpuSeconds).toBeCloseTo(plan.estimatedCpuSeconds / 6);
		expect(soundPlan(plan, output).outputs[0]).toMatchObject({ name: 'sound.mp4', kind: 'audio', videoFilters: [] });
		expect(soundPlan(plan, output).outputs[0]?.options).toContain('-vn');
	});

	it('is joined with the lengths of the source, reading nothing but files', () => {
		expect(concatList([{ path: "/scratch/it's.mp4", seconds: 10.01 }, { path: '/scratch/b.mp4', seconds: null }])).toBe(
			"ffconcat version 1.0\nfile '/scratch/it'\\''s.mp4'\nduration 10.010000\nfile '/scratch/b.mp4'\n",
		);
		const join = joinArguments(planOf().outputs[0]!, { listPath: '/w/list', soundPath: '/w/sound.mp4', outPath: '/w/out.mp4', delays: { picture: 0, sound: 0.25 } }).join(' ');
		expect(join).toContain('-protocol_whitelist file -f concat -safe 0 -i file:/w/list -itsoffset 0.250000 -protocol_whitelist file -i file:/w/sound.mp4');
		expect(join).toMatch(/-map 0:v:0 -map 1:a:0 .*-c copy -movflags \+faststart file:\/w\/out\.mp4$/);
	});
});
