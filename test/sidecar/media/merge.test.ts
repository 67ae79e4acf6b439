import fc from 'fast-check';
import { areAlike, companyFor, isTooMuch, loadOf, mergePlans, pack, type Part } from '../../../sidecar/src/media/merge.ts';
import { ffmpegCall } from '../../../sidecar/src/media/ffmpeg-arguments.ts';
import type { MediaPlan, PlannedOutput } from '../../../sidecar/src/media/plan.ts';
import { audioFacts, imageFacts, picture, videoFacts } from '../../support/facts.ts';

const output = (change: Partial<PlannedOutput> = {}): PlannedOutput => ({ name: 'a.mp4', kind: 'video', mime: 'video/mp4', options: ['-c:v', 'libx264'], expectedSeconds: 10, ...change });
const plan = (outputs: PlannedOutput[], change: Partial<MediaPlan> = {}): MediaPlan => ({ outputs, estimatedCpuSeconds: 60, ...change });

describe('the company of a plan', () => {
	const company = (one: Partial<PlannedOutput>, estimatedCpuSeconds = 60, facts = videoFacts()) => companyFor(plan([output(one)], { estimatedCpuSeconds }), facts);

	it.each<[string, Partial<PlannedOutput>, string]>([
		['an encode of the whole film', {}, 'together'],
		['a graph that reads the pictures', { graph: { filters: '[v]scale=2:2[o]', map: ['[o]'] } }, 'together'],
		['a graph for the sound, the pictures encoded', { graph: { filters: '[a]volume=1[o]', map: ['v', '[o]'] } }, 'together'],
		['a graph for the sound, the pictures copied', { graph: { filters: '[a]volume=1[o]', map: ['v', '[o]'] }, options: ['-c:v', 'copy'] }, 'soon'],
		['a text about the pictures', { kind: 'text', videoFilters: ['scdet'], options: [] }, 'together'],
		['a text about the sound', { kind: 'text', audioFilters: ['ebur128'], options: [] }, 'soon'],
		['a copy', { options: ['-c:v', 'copy', '-c:a', 'copy'] }, 'soon'],
		['a copy of everything', { options: ['-c', 'copy'] }, 'soon'],
		['the sound alone', { kind: 'audio', options: ['-c:a', 'aac'] }, 'soon'],
		['a film without its pictures', { options: ['-vn', '-c:a', 'aac'] }, 'soon'],
		['a picture after a seek', { kind: 'image', seekSeconds: 5, options: ['-c:v', 'mjpeg'] }, 'soon'],
		['the best picture of all', { kind: 'image', videoFilters: ['thumbnail'], options: ['-c:v', 'mjpeg'] }, 'together'],
		['several parts of the film', { excerpts: [{ seekSeconds: 1, durationSeconds: 9 }], graph: { filters: '[x1]scale=2:2[o]', map: ['[o]'] } }, 'apart'],
		['a long part of the film', { seekSeconds: 5, durationSeconds: 100 }, 'apart'],
	])('%s', (_what, one, expected) => {
		expect(company(one)).toBe(expected);
	});

	it('a short part of the film is soon done, and so is all work on a still picture', () => {
		expect(company({ durationSeconds: 1 }, 2)).toBe('soon');
		expect(company({}, 1, imageFacts())).toBe('soon');
	});

	it('where there is only sound, decoding it is what can be shared', () => {
		expect(company({ kind: 'audio', options: ['-c:a', 'aac'] }, 60, audioFacts())).toBe('together');
		expect(company({ kind: 'audio', options: ['-c:a', 'copy'] }, 60, audioFacts())).toBe('soon');
	});

	it('a quick job does not wait for one that takes far longer', () => {
		expect(areAlike(10, 80)).toBe(true);
		expect(areAlike(81, 10)).toBe(false);
	});
});

describe('packing', () => {
	it('keeps the order, loses nothing, and exceeds the limit only where one plan does', () => {
		const facts = videoFacts();
		fc.assert(
			fc.property(fc.array(fc.record({ outputs: fc.integer({ min: 1, max: 6 }), height: fc.integer({ min: 100, max: 2000 }) })), (all) => {
				const parts = all.map(({ outputs, height }) => ({ facts, plan: plan(Array.from({ length: outputs }, () => output({ videoFilters: [`scale=1920:${height}`] }))) }));
				const packed = pack(parts);
				expect(packed.flat()).toEqual(parts);
				for (const one of packed) expect(one.length === 1 || !isTooMuch(one.reduce((sum, { plan: own }) => sum + loadOf(own, facts), 0))).toBe(true);
			}),
		);
	});

	it('counts what is encoded, not what is read', () => {
		const large = videoFacts({ video: picture({ width: 3840, height: 2160 }) });
		const load = (one: Partial<PlannedOutput>) => loadOf(plan([output(one)]), large);
		expect(load({})).toBe(0.5);
		expect(load({ videoFilters: ['scale=3840:2160', 'crop=9:9', 'scale=1920:1080', 'setsar=1'] })).toBe(0.125);
		expect(load({ graph: { filters: '[v]split[a0][b0];[a0]scale=1920:1080[a1];[b0]scale=1920:1080[b1]', map: ['[a1]', '[b1]'] } })).toBe(0.25);
		expect(load({ kind: 'text', videoFilters: ['scdet'] })).toBe(1 / 12);
	});
});

describe('merging plans', () => {
	const label = fc.constantFrom('[v]', '[a]', '[own]', '[v1]', '[a1]', '[v2]', '[a2]', '[v10]');
	const part: fc.Arbitrary<Part<string>> = fc
		.record({ names: fc.uniqueArray(fc.constantFrom('a.mp4', 'b.jpg', 'hls/manifest.mpd', 'text'), { minLength: 1 }), labels: fc.array(label), inputs: fc.integer({ min: 0, max: 11 }), seconds: fc.integer({ min: 0, max: 100 }), tag: fc.uuid() })
		.map(({ names, labels, inputs, seconds, tag }) => ({
			plan: plan(names.map((name) => output({ name, graph: { filters: labels.join('x'), map: labels } })), { estimatedCpuSeconds: seconds, inputOptions: Array.from({ length: inputs }, (_, index) => ['-tag', `${tag} ${index + 1}`]) }),
			inputs: Array.from({ length: inputs }, (_, index) => `${tag} ${index + 1}`),
		}));

	it('every pad still means the same input, with the same options', () => {
		const meanings = (text: string, inputs: string[]) => [...text.matchAll(/\[([va])(\d+)\]/g)].map(([, type, place]) => [type, inputs[Number(place) - 1]]);
		fc.assert(
			fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
				const merged = mergePlans(parts);
				merged.plan.outputs.forEach(({ name, graph }) => {
					const owner = merged.ownerOf(name);
					const { plan: own, inputs } = parts[owner.part]!;
					const before = own.outputs.find((one) => one.name === owner.name)!.graph!;
					for (const [now, then] of [[graph!.filters, before.filters], ...graph!.map.map((entry, index) => [entry, before.map[index]!] as const)] as const) {
						const wanted = meanings(then, inputs);
						// A pad of an input that the plan does not have is an error before and after.
						if (wanted.every(([, input]) => input !== undefined)) expect(meanings(now, merged.inputs)).toEqual(wanted);
						expect(now.replace(/\d+\]/g, ']')).toBe(then.replace(/\d+\]/g, ']'));
					}
				});
				merged.inputs.forEach((input, index) => expect(merged.plan.inputOptions?.[index]).toEqual(['-tag', input]));
			}),
		);
	});

	it('each part gets back what is its own, under its own names, and the CPU time is shared out whole', () => {
		fc.assert(
			fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), fc.double({ min: 0, max: 1e4, noNaN: true }), (parts, cpuSeconds) => {
				const merged = mergePlans(parts);
				const names = merged.plan.outputs.map(({ name }) => name);
				expect(new Set(names).size).toBe(names.length);
				const split = merged.split({ files: names.map((name) => ({ name, path: `/x/${name}`, mime: 'm' })), texts: Object.fromEntries(names.map((name) => [name, name])), cpuSeconds });
				split.forEach((own, index) => {
					expect(own.files.map(({ name }) => name)).toEqual(parts[index]!.plan.outputs.map(({ name }) => name));
					expect(own.texts).toEqual(Object.fromEntries(own.files.map(({ name }) => [name, `${index}/${name}`])));
				});
				expect(split.reduce((sum, own) => sum + own.cpuSeconds, 0)).toBeCloseTo(cpuSeconds, 5);
				expect(merged.plan.estimatedCpuSeconds).toBe(parts.reduce((sum, one) => sum + one.plan.estimatedCpuSeconds, 0));
			}),
		);
	});

	it('who encoded the video is said by those that have one', () => {
		const encoded = output({ options: ['-c:v', 'libx264'] });
		const parts = [[encoded], [output({ kind: 'image', name: 'a.jpg' })], [output({ options: ['-c:v', 'copy'] })]].map((outputs) => ({ plan: plan(outputs), inputs: [] }));
		expect(mergePlans(parts).split({ files: [], texts: {}, cpuSeconds: 1, encoder: 'h264_nvenc' }).map(({ encoder }) => encoder)).toEqual(['h264_nvenc', undefined, undefined]);
	});

	it('keeps what belongs to an output: attachments, excerpts, what is left out', () => {
		const special = { attachments: { 'look.cube': 'x' }, excerpts: [{ seekSeconds: 1, durationSeconds: 2 }], leaveOut: ['manifest.mpd'], audioTrack: 1, sourceOptions: ['-loop', '1'] };
		const merged = mergePlans([{ plan: plan([output({})]), inputs: [] }, { plan: plan([output(special)]), inputs: [] }]);
		expect(merged.plan.outputs[1]).toMatchObject(special);
	});

	it('becomes one process with one input for the source, and one for each further file', () => {
		const logo = { path: '/logo.png', facts: imageFacts() };
		const overlay = output({ graph: { filters: '[v][v1]overlay[o]', map: ['[o]', 'a?'] } });
		const merged = mergePlans([
			{ plan: plan([output({ videoFilters: ['scale=2:2'] })]), inputs: [] },
			{ plan: plan([overlay], { inputOptions: [['-loop', '1']] }), inputs: [logo] },
			{ plan: plan([overlay]), inputs: [{ ...logo, path: '/other.png' }] },
		]);
		const call = ffmpegCall({ inputPath: '/film.mp4', facts: videoFacts(), inputs: merged.inputs, plan: merged.plan }, (_, index) => `/out/${index}`);
		expect(call.inputs.map(({ url }) => url.replace(/^.*\//, ''))).toEqual(['film.mp4', 'logo.png', 'other.png']);
		expect(call.inputs[1]?.options).toEqual(expect.arrayContaining(['-loop', '1']));
		expect(call.outputs[0]?.options[1]).toMatch(/\[0:V:0\]\[1:V:0\]overlay.*;\[0:V:0\]\[2:V:0\]overlay/);
	});
});
